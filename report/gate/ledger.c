/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "ledger.h"
#include "leaks/leak_record.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct ledger_index {
    UT_hash_handle hh;
    struct ledger_site *site;
};

/* What is at hand while a report is added. */
struct ledger_work {
    struct ledger *ledger;
    const struct snapshot *snapshot;
    struct frames *frames;
    struct frame_stack stack;
    struct stack_key exact;
    struct stack_key stable;
};

/* FNV-1a with 128 bits: short, the same everywhere, and far from a collision by chance. */
void ledger_fingerprint(const char *text, char to[LEDGER_FINGERPRINT_SIZE])
{
    const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;
    unsigned __int128 hash =
        ((unsigned __int128)UINT64_C(0x6c62272e07bb0142) << 64) + UINT64_C(0x62b821756295c58d);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * prime;
    snprintf(to, LEDGER_FINGERPRINT_SIZE, "%016" PRIx64 "%016" PRIx64, (uint64_t)(hash >> 64),
             (uint64_t)hash);
}

static void site_free(struct ledger_site *site)
{
    if (site == NULL)
        return;
    trace_free(site->trace);
    free(site->processes);
    free(site->stable);
    free(site->key);
    free(site);
}

static int ledger_reserve(struct ledger *ledger)
{
    if (ledger->count < ledger->room)
        return 0;
    size_t room = 2 * ledger->room + 64;
    struct ledger_site **sites = reallocarray(ledger->sites, room, sizeof(struct ledger_site *));
    if (sites == NULL)
        return -ENOMEM;
    ledger->sites = sites;
    ledger->room = room;
    return 0;
}

static struct ledger_site *ledger_lookup(const struct ledger *ledger, const char *key)
{
    struct ledger_index *found;
    HASH_FIND_STR(ledger->index, key, found);
    return found != NULL ? found->site : NULL;
}

/* Makes the site findable under its key. */
static int ledger_link(struct ledger *ledger, struct ledger_site *site)
{
    struct ledger_index *entry = calloc(1, sizeof *entry);
    if (entry == NULL || ledger_reserve(ledger) != 0) {
        free(entry);
        return -ENOMEM;
    }
    entry->site = site;
    HASH_ADD_KEYPTR(hh, ledger->index, site->key, strlen(site->key), entry);
    if (entry->hh.tbl == NULL) {
        free(entry);
        return -ENOMEM;
    }
    ledger->sites[ledger->count++] = site;
    return 0;
}

/* Takes over the trace, also when it fails. */
static struct ledger_site *ledger_make(struct ledger *ledger, const char *key, const char *stable,
                                       struct trace *trace)
{
    struct ledger_site *site = calloc(1, sizeof *site);
    if (site == NULL) {
        trace_free(trace);
        return NULL;
    }
    site->trace = trace;
    site->key = strdup(key);
    site->stable = strdup(stable);
    if (trace == NULL || site->key == NULL || site->stable == NULL ||
        ledger_link(ledger, site) != 0) {
        site_free(site);
        return NULL;
    }
    ledger_fingerprint(stable, site->fingerprint);
    return site;
}

struct ledger_site *ledger_find(const struct ledger *ledger, const char *stable)
{
    return ledger_lookup(ledger, stable);
}

struct ledger_site *ledger_put(struct ledger *ledger, const char *stable, struct trace *trace)
{
    struct ledger_site *site = ledger_lookup(ledger, stable);
    if (site == NULL)
        return ledger_make(ledger, stable, stable, trace);
    trace_free(trace);
    return site;
}

/* The ledger's site for a stack of the report at hand. */
static int work_site(struct ledger_work *work, uint32_t id, struct ledger_site **site)
{
    struct ledger *ledger = work->ledger;
    int error = frames_stack(work->frames, work->snapshot->sites[id].node, &work->stack);
    if (error == 0)
        error = stack_key_stable(&work->stable, &work->stack, work->snapshot);
    if (error == 0 && ledger->by == LEDGER_EXACT)
        error = stack_key_exact(&work->exact, &work->stack, work->snapshot);
    if (error != 0)
        return error;
    const char *key = ledger->by == LEDGER_EXACT ? work->exact.text : work->stable.text;
    *site = ledger_lookup(ledger, key);
    if (*site == NULL)
        *site =
            ledger_make(ledger, key, work->stable.text, trace_make(&work->stack, work->snapshot));
    return *site != NULL ? 0 : -ENOMEM;
}

static int site_note_process(struct ledger_site *site, uint32_t process)
{
    if (site->process_count > 0 && site->processes[site->process_count - 1] == process)
        return 0;
    uint32_t *processes =
        reallocarray(site->processes, site->process_count + 1, sizeof site->processes[0]);
    if (processes == NULL)
        return -ENOMEM;
    site->processes = processes;
    processes[site->process_count++] = process;
    return 0;
}

static void leak_add(struct ledger_leak *sum, const struct snapshot_loss *loss)
{
    sum->blocks += loss->blocks;
    sum->bytes += loss->bytes;
    sum->indirect_blocks += loss->indirect_blocks;
    sum->indirect_bytes += loss->indirect_bytes;
}

static int work_leaks(struct ledger_work *work, unsigned kinds, uint32_t process)
{
    const struct snapshot_check *check = snapshot_final_check(work->snapshot);
    int error = 0;
    if (check == NULL)
        return 0;
    for (uint32_t i = 0; i < check->loss_count && error == 0; i++) {
        const struct snapshot_loss *loss = &work->snapshot->losses[check->first_loss + i];
        struct ledger_site *site;
        if ((leak_kind_bit(loss->kind) & kinds) == 0)
            continue;
        error = work_site(work, loss->site, &site);
        if (error != 0)
            break;
        leak_add(&site->leaks[loss->kind], loss);
        leak_add(&work->ledger->leaks[loss->kind], loss);
        error = site_note_process(site, process);
    }
    return error;
}

static int work_figures(struct ledger_work *work)
{
    const struct snapshot *snapshot = work->snapshot;
    int error = 0;
    for (uint32_t id = 0; id < snapshot->site_count && error == 0; id++) {
        const struct snapshot_site *from = &snapshot->sites[id];
        struct ledger_site *site;
        if (from->domain != MTF_DOMAIN_HEAP ||
            (from->figures.allocs == 0 && from->figures.frees == 0))
            continue;
        progress_step("reading call sites", id);
        error = work_site(work, id, &site);
        if (error == 0)
            figures_add(&site->figures, &from->figures);
    }
    return error;
}

static int ledger_note(struct ledger *ledger, const char *module, const char *complaint)
{
    char *text;
    if (asprintf(&text, "%s %s: its functions are not known by name, and not told apart", module,
                 complaint) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < ledger->note_count; i++) {
        if (strcmp(ledger->notes[i], text) == 0) {
            free(text);
            return 0;
        }
    }
    char **notes = reallocarray(ledger->notes, ledger->note_count + 1, sizeof notes[0]);
    if (notes == NULL) {
        free(text);
        return -ENOMEM;
    }
    ledger->notes = notes;
    notes[ledger->note_count++] = text;
    return 0;
}

/* That a library is stripped is as it was; that a file has changed since the run is somebody's mistake. */
static int work_note_modules(struct ledger_work *work)
{
    int error = 0;
    for (uint32_t i = 1; i < work->snapshot->module_count && error == 0; i++) {
        const char *complaint = frames_complaint(work->frames, i);
        if (complaint != NULL && strncmp(complaint, "is stripped", strlen("is stripped")) != 0)
            error = ledger_note(work->ledger, work->snapshot->modules[i].path, complaint);
    }
    return error;
}

int ledger_add(struct ledger *ledger, const struct snapshot *snapshot, struct frames *frames,
               unsigned kinds, bool figures, uint32_t process)
{
    struct ledger_work work = {.ledger = ledger, .snapshot = snapshot, .frames = frames};
    int error = work_leaks(&work, kinds, process);
    if (error == 0 && figures)
        error = work_figures(&work);
    if (error == 0)
        error = work_note_modules(&work);
    figures_add(&ledger->totals, &snapshot->totals);
    ledger->processes++;
    stack_key_free(&work.exact);
    stack_key_free(&work.stable);
    frame_stack_free(&work.stack);
    return error;
}

void ledger_free(struct ledger *ledger)
{
    struct ledger_index *entry, *next;
    HASH_ITER(hh, ledger->index, entry, next)
    {
        HASH_DEL(ledger->index, entry);
        free(entry);
    }
    for (size_t i = 0; i < ledger->count; i++)
        site_free(ledger->sites[i]);
    free(ledger->sites);
    for (size_t i = 0; i < ledger->note_count; i++)
        free(ledger->notes[i]);
    free(ledger->notes);
    *ledger = (struct ledger){.by = ledger->by};
}
