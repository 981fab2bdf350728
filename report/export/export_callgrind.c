/*
 * The profile format of callgrind, for callgrind_annotate and kcachegrind: the cost of each source line
 * of each function by itself, and of each call from it.
 *
 * Readers take what the calls of a function cost for its inclusive cost. For that to be right in
 * recursions, a stack's cost counts for one call of each function alone, the outermost one; its inner
 * calls are there with their number and no cost. And for it to be there at all, a function that stands
 * for all stacks calls the outermost of each.
 */
/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "command.h"
#include "export.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CALLGRIND_EVENTS 6
#define CALLGRIND_NONE UINT32_MAX

/* Ids are those of functions with lines. */
struct callgrind_key {
    uint32_t from;
    uint32_t to; /* CALLGRIND_NONE: the cost of `from` itself */
};

struct callgrind_cost {
    struct callgrind_key key;
    uint64_t calls;
    uint64_t values[CALLGRIND_EVENTS];
    struct callgrind_cost *next; /* of the same function */
    UT_hash_handle hh;
};

/* All lines of one function. */
struct callgrind_function {
    char *key;
    uint32_t id;
    bool named;
    struct callgrind_cost *costs;
    UT_hash_handle hh;
};

struct callgrind {
    struct export *export;
    struct callgrind_cost *costs;
    struct callgrind_function *functions;
    struct callgrind_function **of; /* by id of a function with lines */
    uint32_t of_count;
    uint32_t *seen; /* by number of a function: the site that was last met in it, plus 1 */
    uint32_t seen_count;
};

static const char *const event_names[CALLGRIND_EVENTS] = {
    "LiveBytes", "LiveBlocks", "PeakBytes", "TotalBytes", "Calls", "Temporary",
};

static void site_events(const struct figures *figures, uint64_t values[CALLGRIND_EVENTS])
{
    values[0] = figures->live_bytes;
    values[1] = figures->live_blocks;
    values[2] = figures->peak_bytes;
    values[3] = figures->alloc_bytes;
    values[4] = figures->allocs;
    values[5] = figures->temporary;
}

static int function_new(struct callgrind *callgrind, char *key, struct callgrind_function **added)
{
    struct callgrind_function *function = calloc(1, sizeof *function);
    if (function == NULL) {
        free(key);
        return -ENOMEM;
    }
    function->key = key;
    function->id = HASH_COUNT(callgrind->functions) + 1;
    HASH_ADD_KEYPTR(hh, callgrind->functions, function->key, strlen(function->key), function);
    if (function->hh.tbl == NULL) {
        free(function->key);
        free(function);
        return -ENOMEM;
    }
    *added = function;
    return 0;
}

/* The function, without regard to lines, that has this id. */
static int function_find(struct callgrind *callgrind, uint32_t id,
                         struct callgrind_function **function)
{
    const struct function *line = functions_get(callgrind->export->stacks.functions, id);
    char *key;
    if (asprintf(&key, "%s\n%s", line->module, line->name) < 0)
        return -ENOMEM;
    HASH_FIND_STR(callgrind->functions, key, *function);
    if (*function == NULL)
        return function_new(callgrind, key, function);
    free(key);
    return 0;
}

static int of_grow(struct callgrind *callgrind, uint32_t count)
{
    uint32_t room = 2 * count + 64;
    if (count <= callgrind->of_count)
        return 0;
    struct callgrind_function **of =
        realloc(callgrind->of, room * sizeof(struct callgrind_function *));
    if (of != NULL)
        callgrind->of = of;
    uint32_t *seen = realloc(callgrind->seen, ((size_t)room + 1) * sizeof seen[0]);
    if (seen != NULL)
        callgrind->seen = seen;
    if (of == NULL || seen == NULL)
        return -ENOMEM;
    memset(of + callgrind->of_count, 0,
           (room - callgrind->of_count) * sizeof(struct callgrind_function *));
    memset(seen + callgrind->seen_count, 0, (room + 1 - callgrind->seen_count) * sizeof seen[0]);
    callgrind->of_count = room;
    callgrind->seen_count = room + 1;
    return 0;
}

static int function_of(struct callgrind *callgrind, uint32_t id,
                       struct callgrind_function **function)
{
    int error = of_grow(callgrind, id + 1);
    if (error == 0 && callgrind->of[id] == NULL)
        error = function_find(callgrind, id, &callgrind->of[id]);
    if (error == 0)
        *function = callgrind->of[id];
    return error;
}

static int cost_of(struct callgrind *callgrind, struct callgrind_function *function, uint32_t from,
                   uint32_t to, struct callgrind_cost **found)
{
    const struct callgrind_key key = {from, to};
    HASH_FIND(hh, callgrind->costs, &key, sizeof key, *found);
    if (*found != NULL)
        return 0;
    struct callgrind_cost *cost = calloc(1, sizeof *cost);
    if (cost == NULL)
        return -ENOMEM;
    cost->key = key;
    HASH_ADD(hh, callgrind->costs, key, sizeof cost->key, cost);
    if (cost->hh.tbl == NULL) {
        free(cost);
        return -ENOMEM;
    }
    cost->next = function->costs;
    function->costs = cost;
    *found = cost;
    return 0;
}

/* Counts the cost of `from` itself (`to` is CALLGRIND_NONE), or its call of `to`. */
static int cost_count(struct callgrind *callgrind, uint32_t site, uint32_t from, uint32_t to,
                      const uint64_t values[CALLGRIND_EVENTS])
{
    struct callgrind_function *function, *called = NULL;
    struct callgrind_cost *cost;
    int error = function_of(callgrind, from, &function);
    if (error == 0 && to != CALLGRIND_NONE)
        error = function_of(callgrind, to, &called);
    if (error == 0)
        error = cost_of(callgrind, function, from, to, &cost);
    if (error != 0)
        return error;
    cost->calls += callgrind->export->snapshot->sites[site].figures.allocs;
    if (called != NULL && callgrind->seen[called->id] == site + 1)
        return 0;
    if (called != NULL)
        callgrind->seen[called->id] = site + 1;
    for (int i = 0; i < CALLGRIND_EVENTS; i++)
        cost->values[i] += values[i];
    return 0;
}

/* The calls of a stack from the outermost one on, then what the innermost function costs itself. */
static int site_count(struct callgrind *callgrind, uint32_t site,
                      const uint64_t values[CALLGRIND_EVENTS])
{
    const struct stacks *stacks = &callgrind->export->stacks;
    uint32_t from;
    int error = functions_word(stacks->functions, "(all stacks)", &from);
    for (size_t i = stacks->count; i-- > 0 && error == 0;) {
        error = cost_count(callgrind, site, from, stacks->path[i], values);
        from = stacks->path[i];
    }
    return error == 0 ? cost_count(callgrind, site, from, CALLGRIND_NONE, values) : error;
}

static int callgrind_count(struct callgrind *callgrind, uint64_t sums[CALLGRIND_EVENTS])
{
    struct export *export = callgrind->export;
    uint64_t values[CALLGRIND_EVENTS];
    for (uint32_t site = 0; site < export->snapshot->site_count; site++) {
        if (!export_has(export, site))
            continue;
        progress_step("reading stacks", site);
        int error = stacks_read(&export->stacks, site);
        site_events(&export->snapshot->sites[site].figures, values);
        if (error == 0)
            error = site_count(callgrind, site, values);
        if (error != 0)
            return error;
        for (int i = 0; i < CALLGRIND_EVENTS; i++)
            sums[i] += values[i];
    }
    return 0;
}

static void put_values(FILE *out, const uint64_t values[CALLGRIND_EVENTS])
{
    for (int i = 0; i < CALLGRIND_EVENTS; i++)
        fprintf(out, " %" PRIu64, values[i]);
    fputc('\n', out);
}

/* "fn=(3) name"; the name only where the number is new. */
static void put_function(struct callgrind *callgrind, const char *kind,
                         struct callgrind_function *function, const struct function *line)
{
    FILE *out = callgrind->export->out;
    fprintf(out, "%s=(%" PRIu32 ")", kind, function->id);
    if (!function->named) {
        fputc(' ', out);
        export_text(out, line->name, '\0');
        function->named = true;
    }
    fputc('\n', out);
}

static void put_file(FILE *out, const char *kind, const char *file)
{
    fprintf(out, "%s=", kind);
    export_text(out, file != NULL && *file != '\0' ? file : "???", '\0');
    fputc('\n', out);
}

static bool same_file(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A frame in another file than the one before, where code was included, is told by fi. */
static void put_cost(struct callgrind *callgrind, const struct callgrind_cost *cost,
                     const char **file)
{
    FILE *out = callgrind->export->out;
    const struct functions *functions = callgrind->export->stacks.functions;
    const struct function *from = functions_get(functions, cost->key.from);
    if (!same_file(*file, from->file))
        put_file(out, "fi", from->file);
    *file = from->file;
    if (cost->key.to != CALLGRIND_NONE) {
        const struct function *to = functions_get(functions, cost->key.to);
        put_file(out, "cob", to->module);
        put_file(out, "cfi", to->file);
        put_function(callgrind, "cfn", callgrind->of[cost->key.to], to);
        fprintf(out, "calls=%" PRIu64 " %u\n", cost->calls, to->line);
    }
    fprintf(out, "%u", from->line);
    put_values(out, cost->values);
}

static void put_costs(struct callgrind *callgrind, struct callgrind_function *function)
{
    FILE *out = callgrind->export->out;
    const struct functions *functions = callgrind->export->stacks.functions;
    if (function->costs == NULL)
        return;
    const struct function *first = functions_get(functions, function->costs->key.from);
    const char *file = first->file;
    put_file(out, "\nob", first->module);
    put_file(out, "fl", first->file);
    put_function(callgrind, "fn", function, first);
    for (const struct callgrind_cost *cost = function->costs; cost != NULL; cost = cost->next)
        put_cost(callgrind, cost, &file);
}

static void put_head(struct callgrind *callgrind, const uint64_t sums[CALLGRIND_EVENTS])
{
    FILE *out = callgrind->export->out;
    fprintf(out,
            "# callgrind format\nversion: 1\ncreator: memtrack %s\npid: %d\ncmd: ", COMMAND_VERSION,
            callgrind->export->snapshot->pid);
    export_command(callgrind->export->snapshot, out);
    fputs("\npositions: line\nevents:", out);
    for (int i = 0; i < CALLGRIND_EVENTS; i++)
        fprintf(out, " %s", event_names[i]);
    fputs("\nsummary:", out);
    put_values(out, sums);
}

static void callgrind_free(struct callgrind *callgrind)
{
    struct callgrind_cost *cost, *next_cost;
    struct callgrind_function *function, *next_function;
    HASH_ITER(hh, callgrind->costs, cost, next_cost)
    {
        HASH_DEL(callgrind->costs, cost);
        free(cost);
    }
    HASH_ITER(hh, callgrind->functions, function, next_function)
    {
        HASH_DEL(callgrind->functions, function);
        free(function->key);
        free(function);
    }
    free(callgrind->of);
    free(callgrind->seen);
}

int export_callgrind(struct export *export)
{
    struct callgrind callgrind = {.export = export};
    struct callgrind_function *function, *next;
    uint64_t sums[CALLGRIND_EVENTS] = {0};
    int error = callgrind_count(&callgrind, sums);
    if (error == 0) {
        put_head(&callgrind, sums);
        HASH_ITER(hh, callgrind.functions, function, next)
        {
            put_costs(&callgrind, function);
        }
    }
    callgrind_free(&callgrind);
    return error == 0 && ferror(export->out) ? -EIO : error;
}
