#include "baseline.h"
#include "command.h"
#include "json_text.h"
#include "leaks/leak_record.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The kinds that a baseline keeps. */
#define BASELINE_FIRST MTF_LEAK_DEFINITE
#define BASELINE_LAST MTF_LEAK_REACHABLE

static const struct {
    const char *name;
    size_t offset;
} baseline_figures[] = {
    {"allocations", offsetof(struct figures, allocs)},
    {"allocated_bytes", offsetof(struct figures, alloc_bytes)},
    {"peak_bytes", offsetof(struct figures, peak_bytes)},
    {"peak_blocks", offsetof(struct figures, peak_blocks)},
    {"live_bytes", offsetof(struct figures, live_bytes)},
    {"live_blocks", offsetof(struct figures, live_blocks)},
    {"temporary", offsetof(struct figures, temporary)},
};

#define FIGURE_COUNT (sizeof baseline_figures / sizeof baseline_figures[0])

static uint64_t *figure_at(struct figures *figures, size_t index)
{
    return (uint64_t *)((char *)figures + baseline_figures[index].offset);
}

static json_t *figures_object(const struct figures *from)
{
    struct figures figures = *from;
    json_t *object = json_object();
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        json_object_set_new(object, baseline_figures[i].name,
                            json_text_number(*figure_at(&figures, i)));
    return object;
}

static json_t *leaks_object(const struct ledger_leak *leaks)
{
    json_t *object = json_object();
    for (int kind = BASELINE_FIRST; kind <= BASELINE_LAST; kind++) {
        const struct ledger_leak *leak = &leaks[kind];
        if (leak->blocks == 0)
            continue;
        json_object_set_new(object, leak_kind_name((enum mtf_leak_kind)kind),
                            json_pack("{s:o,s:o,s:o,s:o}",                                      //
                                      "bytes", json_text_number(leak->bytes),                   //
                                      "blocks", json_text_number(leak->blocks),                 //
                                      "indirect_bytes", json_text_number(leak->indirect_bytes), //
                                      "indirect_blocks", json_text_number(leak->indirect_blocks)));
    }
    return object;
}

static json_t *stack_array(const char *stable)
{
    json_t *array = json_array();
    while (*stable != '\0') {
        size_t length = strcspn(stable, "\n");
        json_array_append_new(array, json_text_bytes(stable, length));
        stable += length + (stable[length] == '\n');
    }
    return array;
}

static json_t *site_object(const struct ledger_site *site)
{
    return json_pack("{s:s,s:o,s:o,s:o}",                //
                     "fingerprint", site->fingerprint,   //
                     "stack", stack_array(site->stable), //
                     "leaks", leaks_object(site->leaks), //
                     "figures", figures_object(&site->figures));
}

static bool site_leaks(const struct ledger_site *site)
{
    uint64_t blocks = 0;
    for (int kind = BASELINE_FIRST; kind <= BASELINE_LAST; kind++)
        blocks += site->leaks[kind].blocks;
    return blocks > 0;
}

static int site_compare(const void *left, const void *right)
{
    const struct ledger_site *a = *(const struct ledger_site *const *)left;
    const struct ledger_site *b = *(const struct ledger_site *const *)right;
    return strcmp(a->stable, b->stable);
}

static int put(FILE *out, json_t *value)
{
    int error = value == NULL || json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0;
    json_decref(value);
    return error == 0 ? 0 : ferror(out) ? -EIO : -ENOMEM;
}

/* One site a line, so that version control shows which ones changed. */
int baseline_write(FILE *out, const struct ledger *ledger)
{
    const struct ledger_site **sites = calloc(ledger->count + 1, sizeof(struct ledger_site *));
    size_t count = 0;
    if (sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ledger->count; i++) {
        if (!ledger->leaks_only || site_leaks(ledger->sites[i]))
            sites[count++] = ledger->sites[i];
    }
    qsort(sites, count, sizeof(struct ledger_site *), site_compare);
    fprintf(out,
            "{\"schema\":\"memtrack-baseline\",\"version\":1,\"generator\":\"memtrack %s\","
            "\n\"processes\":%u,\n\"totals\":",
            COMMAND_VERSION, ledger->processes);
    int error = put(out, figures_object(&ledger->totals));
    fputs(",\n\"sites\":[", out);
    for (size_t i = 0; i < count && error == 0; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        error = put(out, site_object(sites[i]));
    }
    fputs("\n]}\n", out);
    free(sites);
    return error == 0 && ferror(out) ? -EIO : error;
}

/* A frame from its line in the baseline: module!function. The strings live in the trace's own memory. */
static struct trace *trace_of(const char *stable)
{
    size_t count = 0, length = strlen(stable);
    for (const char *at = stable; *at != '\0'; at++)
        count += *at == '\n';
    struct trace *trace =
        calloc(1, sizeof *trace + count * sizeof(struct trace_frame) + length + 1);
    if (trace == NULL)
        return NULL;
    char *line = (char *)trace + sizeof *trace + count * sizeof(struct trace_frame);
    memcpy(line, stable, length + 1);
    for (; trace->count < count; trace->count++) {
        char *end = strchr(line, '\n');
        *end = '\0';
        char *mark = strchr(line, '!');
        struct trace_frame *frame = &trace->frames[trace->count];
        frame->module = line;
        if (mark != NULL && strcmp(mark + 1, "?") != 0)
            frame->function = mark + 1;
        if (mark != NULL)
            *mark = '\0';
        line = end + 1;
    }
    return trace;
}

/* The stack's lines as one text; NULL if it is not made of strings, or without memory. */
static char *stable_of(const json_t *stack)
{
    char *text = NULL;
    size_t length = 0, i;
    const json_t *line;
    FILE *out = open_memstream(&text, &length);
    bool right = json_is_array(stack);
    if (out == NULL)
        return NULL;
    json_array_foreach(stack, i, line)
    {
        right = right && json_is_string(line) && strchr(json_string_value(line), '\n') == NULL;
        if (right)
            fprintf(out, "%s\n", json_string_value(line));
    }
    if (fclose(out) == 0 && right)
        return text;
    free(text);
    return NULL;
}

static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));
    return number > 0 ? (uint64_t)number : 0;
}

static void figures_read(const json_t *object, struct figures *figures)
{
    struct figures read = {0};
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        *figure_at(&read, i) = number_of(object, baseline_figures[i].name);
    figures_add(figures, &read);
}

static void leaks_read(const json_t *object, struct ledger_leak *leaks, struct ledger_leak *sums)
{
    for (int kind = BASELINE_FIRST; kind <= BASELINE_LAST; kind++) {
        const json_t *leak = json_object_get(object, leak_kind_name((enum mtf_leak_kind)kind));
        for (int i = 0; i < 2; i++) {
            struct ledger_leak *to = i == 0 ? &leaks[kind] : &sums[kind];
            to->bytes += number_of(leak, "bytes");
            to->blocks += number_of(leak, "blocks");
            to->indirect_bytes += number_of(leak, "indirect_bytes");
            to->indirect_blocks += number_of(leak, "indirect_blocks");
        }
    }
}

static int site_read(struct ledger *ledger, const json_t *object)
{
    char *stable = stable_of(json_object_get(object, "stack"));
    if (stable == NULL)
        return -EBADMSG;
    struct ledger_site *site = ledger_put(ledger, stable, trace_of(stable));
    free(stable);
    if (site == NULL)
        return -ENOMEM;
    leaks_read(json_object_get(object, "leaks"), site->leaks, ledger->leaks);
    figures_read(json_object_get(object, "figures"), &site->figures);
    return 0;
}

static int sites_read(struct ledger *ledger, const json_t *root)
{
    const json_t *sites = json_object_get(root, "sites"), *site;
    size_t i;
    int error = json_is_array(sites) ? 0 : -EBADMSG;
    figures_read(json_object_get(root, "totals"), &ledger->totals);
    ledger->processes += (uint32_t)number_of(root, "processes");
    json_array_foreach(sites, i, site)
    {
        error = site_read(ledger, site);
        if (error != 0)
            break;
    }
    return error;
}

static bool is_baseline(const json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    return schema != NULL && strcmp(schema, "memtrack-baseline") == 0 &&
           json_integer_value(json_object_get(root, "version")) == 1;
}

static int load_fail(int error, const char *path, const char *what, char *message,
                     size_t message_size)
{
    snprintf(message, message_size, "%s: %s", path, what);
    return error;
}

int baseline_load(struct ledger *ledger, const char *path, char *message, size_t message_size)
{
    json_error_t wrong;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return load_fail(-errno, path, strerrordesc_np(errno), message, message_size);
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &wrong);
    fclose(file);
    if (root == NULL) {
        snprintf(message, message_size, "%s:%d: %s; make it again with memtrack baseline", path,
                 wrong.line, wrong.text);
        return -EBADMSG;
    }
    int error = is_baseline(root) ? sites_read(ledger, root) : -EBADMSG;
    json_decref(root);
    if (error == -EBADMSG)
        load_fail(error, path,
                  "is not a baseline of version 1; make it with memtrack baseline FILE -o BASELINE",
                  message, message_size);
    else if (error != 0)
        load_fail(error, path, "does not fit into memory", message, message_size);
    return error;
}

bool baseline_is_one(const char *path)
{
    FILE *file = fopen(path, "re");
    int first = file != NULL ? fgetc(file) : EOF;
    if (file != NULL)
        fclose(file);
    return first == '{';
}
