/*
 * heaptrack's data format, version 3, for heaptrack_print and heaptrack_gui (its reader, in heaptrack's
 * src/analyze/accumulatedtracedata.cpp, is what documents it). Numbers are hexadecimal:
 *
 *   v, X, I          version, command, page size and pages of memory
 *   s LENGTH BYTES   a string; the others refer to strings by number, from 1 on
 *   i ADDRESS MODULE FUNCTION FILE LINE     a place in the code
 *   t PLACE PARENT   a node of the tree of call stacks, callers first; 0: none
 *   a SIZE NODE      a kind of allocation, from 0 on
 *   + KIND, - KIND   one was made, one was freed
 *   c MILLISECONDS, R PAGES                 time, and the resident set
 *
 * The format has a line for each event, and a report has none of them: what is written is a sequence that
 * sums up to the report's figures. Calls, bytes, temporary ones, the peak, its parts and what is left are
 * the report's, of every call site; sizes of single blocks are their mean, and the order, and so the
 * charts over time, say nothing.
 */
#include "block_split.h"
#include "calltree.h"
#include "export.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAPTRACK_VERSION 0x10400
#define HEAPTRACK_FORMAT 3
/* Events of one run that a file of reasonable size can hold. */
#define HEAPTRACK_EVENTS_MAX UINT64_C(200000000)

/* Blocks of one size and call site. Two kinds of the same are told apart by number: heaptrack takes a
   free of the kind that was made last for that of a temporary one. */
struct kind {
    uint32_t number;
    uint32_t node;
    uint64_t size;
    uint64_t blocks;
};

/* A part of a site's blocks: of the mean size, and of one byte more. */
struct kinds {
    struct kind kind[2];
};

struct site_kinds {
    struct kinds both, peak_only, end_only, temporary, single;
};

struct heaptrack {
    struct export *export;
    struct calltree *tree;
    uint32_t *leaves; /* by site */
    struct site_kinds *sites;
    uint32_t strings;
    uint32_t kinds;
    struct kinds at_peak; /* a block that made the peak and was temporary */
    uint64_t peak;        /* bytes, of all sites together */
    uint32_t spacer;      /* site whose temporary blocks come next in put_spaced */
};

/* ---- the dictionary ---- */

static uint32_t put_string(struct heaptrack *heaptrack, const char *text)
{
    FILE *out = heaptrack->export->out;
    if (text == NULL || text[0] == '\0')
        return 0;
    fprintf(out, "s %zx ", strlen(text));
    export_text(out, text, '\0');
    fputc('\n', out);
    return ++heaptrack->strings;
}

/* Places have the numbers of functions, from 1 on. */
static void put_places(struct heaptrack *heaptrack)
{
    struct functions *functions = heaptrack->export->stacks.functions;
    uint32_t module = 0;
    const char *path = "";
    for (uint32_t i = 0; i < functions_count(functions); i++) {
        const struct function *function = functions_get(functions, i);
        if (strcmp(path, function->module) != 0) {
            path = function->module;
            module = put_string(heaptrack, path);
        }
        uint32_t name = put_string(heaptrack, function->name);
        uint32_t file = put_string(heaptrack, function->file);
        fprintf(heaptrack->export->out, "i %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %x\n",
                i + 1, path[0] != '\0' ? module : 0, name, file, function->line);
    }
}

static void put_nodes(struct heaptrack *heaptrack)
{
    for (uint32_t node = 1; node < calltree_count(heaptrack->tree); node++) {
        const struct calltree_node *at = calltree_node(heaptrack->tree, node);
        fprintf(heaptrack->export->out, "t %" PRIx32 " %" PRIx32 "\n", at->function + 1,
                at->parent);
    }
}

/* ---- kinds of allocations ---- */

static uint32_t put_kind(struct heaptrack *heaptrack, uint64_t size, uint32_t node)
{
    fprintf(heaptrack->export->out, "a %" PRIx64 " %" PRIx32 "\n", size, node);
    return heaptrack->kinds++;
}

static struct kinds put_kinds(struct heaptrack *heaptrack, uint32_t site, struct block_part part)
{
    struct kinds kinds = {{{0}, {0}}};
    uint32_t node = heaptrack->leaves[site];
    if (part.blocks == 0)
        return kinds;
    uint64_t size = part.bytes / part.blocks, larger = part.bytes % part.blocks;
    kinds.kind[0] =
        (struct kind){put_kind(heaptrack, size, node), node, size, part.blocks - larger};
    if (larger > 0)
        kinds.kind[1] = (struct kind){put_kind(heaptrack, size + 1, node), node, size + 1, larger};
    return kinds;
}

/* So many blocks of a part, with their share of its bytes. */
static struct block_part part_take(struct block_part *part, uint64_t blocks)
{
    struct block_part taken = {
        blocks,
        part->blocks > 0 ? (uint64_t)((long double)part->bytes / part->blocks * blocks) : 0};
    if (blocks == part->blocks)
        taken.bytes = part->bytes;
    part->blocks -= taken.blocks;
    part->bytes -= taken.bytes;
    return taken;
}

static void site_kinds_put(struct heaptrack *heaptrack, uint32_t site)
{
    const struct figures *figures = &heaptrack->export->snapshot->sites[site].figures;
    struct site_kinds *kinds = &heaptrack->sites[site];
    struct block_split split;
    if (!block_split(figures, &split)) /* it ran on while its report was read */
        split = (struct block_split){.neither = {figures->allocs, figures->alloc_bytes}};
    uint64_t temporary =
        figures->temporary < split.neither.blocks ? figures->temporary : split.neither.blocks;
    if (figures->temporary > temporary && split.peak_only.blocks > 0 &&
        heaptrack->at_peak.kind[0].blocks == 0)
        heaptrack->at_peak = put_kinds(heaptrack, site, part_take(&split.peak_only, 1));
    kinds->both = put_kinds(heaptrack, site, split.both);
    kinds->peak_only = put_kinds(heaptrack, site, split.peak_only);
    kinds->end_only = put_kinds(heaptrack, site, split.end_only);
    kinds->temporary = put_kinds(heaptrack, site, part_take(&split.neither, temporary));
    kinds->single = put_kinds(heaptrack, site, split.neither);
}

/* Kind 0 is of nothing: heaptrack takes its number for "none was made last". */
static void put_all_kinds(struct heaptrack *heaptrack)
{
    put_kind(heaptrack, 0, 0);
    for (uint32_t site = 0; site < heaptrack->export->snapshot->site_count; site++) {
        if (!export_has(heaptrack->export, site))
            continue;
        site_kinds_put(heaptrack, site);
        heaptrack->peak += heaptrack->export->snapshot->sites[site].figures.peak_bytes;
    }
}

/* ---- events ---- */

static void put_event(struct heaptrack *heaptrack, char what, const struct kind *kind)
{
    fprintf(heaptrack->export->out, "%c %" PRIx32 "\n", what, kind->number);
}

static void put_events(struct heaptrack *heaptrack, char what, const struct kinds *kinds)
{
    for (int i = 0; i < 2; i++) {
        for (uint64_t block = 0; block < kinds->kind[i].blocks; block++)
            put_event(heaptrack, what, &kinds->kind[i]);
    }
}

static void put_temporary(struct heaptrack *heaptrack, const struct kinds *kinds)
{
    for (int i = 0; i < 2; i++) {
        for (uint64_t block = 0; block < kinds->kind[i].blocks; block++) {
            put_event(heaptrack, '+', &kinds->kind[i]);
            put_event(heaptrack, '-', &kinds->kind[i]);
        }
    }
}

/* Two blocks at a time, of different kinds, so that neither is freed as the newest. */
static void put_pairs(struct heaptrack *heaptrack, struct kind *first, struct kind *second)
{
    while (first->blocks > 0 && second->blocks > 0) {
        put_event(heaptrack, '+', first);
        put_event(heaptrack, '+', second);
        put_event(heaptrack, '-', first);
        put_event(heaptrack, '-', second);
        first->blocks--;
        second->blocks--;
    }
}

/* A temporary block that fits beside one of so many bytes; NULL: there is none left. */
static struct kind *spacer_take(struct heaptrack *heaptrack, uint64_t beside)
{
    for (; heaptrack->spacer < heaptrack->export->snapshot->site_count; heaptrack->spacer++) {
        struct kind *kinds = heaptrack->sites[heaptrack->spacer].temporary.kind;
        for (int i = 0; i < 2; i++) {
            if (kinds[i].blocks > 0 && kinds[i].size + beside <= heaptrack->peak)
                return &kinds[i];
        }
    }
    return NULL;
}

/* One block that is freed, but not as the newest: a temporary one comes and goes meanwhile. */
static void put_spaced(struct heaptrack *heaptrack, const struct kind *kind)
{
    struct kind *spacer = spacer_take(heaptrack, kind->size);
    put_event(heaptrack, '+', kind);
    if (spacer != NULL) {
        put_event(heaptrack, '+', spacer);
        put_event(heaptrack, '-', spacer);
        spacer->blocks--;
    }
    put_event(heaptrack, '-', kind);
}

/* One kind without a partner: half of it gets a number of its own. */
static void put_alone(struct heaptrack *heaptrack, struct kind *kind)
{
    struct kind other = *kind;
    if (kind->blocks > 1 && kind->size <= heaptrack->peak / 2) {
        other.number = put_kind(heaptrack, kind->size, kind->node);
        other.blocks = kind->blocks / 2;
        kind->blocks -= other.blocks;
        put_pairs(heaptrack, kind, &other);
    }
    for (; kind->blocks > 0; kind->blocks--)
        put_spaced(heaptrack, kind);
}

static int kind_compare(const void *left, const void *right)
{
    const struct kind *a = left, *b = right;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* All blocks that were live at no time of note and are not temporary: the largest with the smallest, so
   that no two are more than the peak if that can be helped. */
static int put_singles(struct heaptrack *heaptrack)
{
    uint32_t sites = heaptrack->export->snapshot->site_count;
    struct kind *kinds = calloc(2 * (size_t)sites + 1, sizeof kinds[0]);
    size_t low = 0, high = 0;
    if (kinds == NULL)
        return -ENOMEM;
    for (uint32_t site = 0; site < sites; site++) {
        for (int i = 0; i < 2; i++) {
            kinds[high] = heaptrack->sites[site].single.kind[i];
            high += kinds[high].blocks > 0;
        }
    }
    qsort(kinds, high, sizeof kinds[0], kind_compare);
    while (low + 1 < high) {
        if (kinds[low].size + kinds[high - 1].size <= heaptrack->peak)
            put_pairs(heaptrack, &kinds[low], &kinds[high - 1]);
        else
            put_alone(heaptrack, &kinds[high - 1]);
        low += kinds[low].blocks == 0;
        high -= high > low && kinds[high - 1].blocks == 0;
    }
    if (low < high)
        put_alone(heaptrack, &kinds[low]);
    free(kinds);
    return 0;
}

static void put_each(struct heaptrack *heaptrack, char what, size_t offset)
{
    for (uint32_t site = 0; site < heaptrack->export->snapshot->site_count; site++) {
        const char *kinds = (const char *)&heaptrack->sites[site] + offset;
        progress_step("writing call sites", site);
        put_events(heaptrack, what, (const struct kinds *)(const void *)kinds);
    }
}

static void put_time(struct heaptrack *heaptrack, uint64_t ns)
{
    fprintf(heaptrack->export->out, "c %" PRIx64 "\n", ns / 1000000);
}

static void put_resident(struct heaptrack *heaptrack)
{
    const struct snapshot *snapshot = heaptrack->export->snapshot;
    uint64_t most = snapshot->memory.resident_peak;
    for (uint32_t i = 0; i < snapshot->point_count; i++)
        most = snapshot->points[i].resident > most ? snapshot->points[i].resident : most;
    fprintf(heaptrack->export->out, "R %" PRIx64 "\n", most / (uint64_t)sysconf(_SC_PAGESIZE));
}

/* What is gone at once comes first, so that nothing is above the peak. */
static int put_all_events(struct heaptrack *heaptrack)
{
    const struct snapshot *snapshot = heaptrack->export->snapshot;
    put_time(heaptrack, 0);
    int error = put_singles(heaptrack);
    for (uint32_t site = 0; site < snapshot->site_count; site++)
        put_temporary(heaptrack, &heaptrack->sites[site].temporary);
    put_each(heaptrack, '+', offsetof(struct site_kinds, peak_only));
    put_each(heaptrack, '+', offsetof(struct site_kinds, both));
    put_events(heaptrack, '+', &heaptrack->at_peak);
    put_time(heaptrack, export_peak_ns(snapshot));
    put_resident(heaptrack);
    put_events(heaptrack, '-', &heaptrack->at_peak);
    put_each(heaptrack, '-', offsetof(struct site_kinds, peak_only));
    put_each(heaptrack, '+', offsetof(struct site_kinds, end_only));
    put_time(heaptrack, export_end_ns(snapshot));
    return error;
}

/* ---- the whole ---- */

static int heaptrack_read(struct heaptrack *heaptrack)
{
    struct export *export = heaptrack->export;
    static const uint64_t nothing;
    int error = 0;
    for (uint32_t site = 0; site < export->snapshot->site_count && error == 0; site++) {
        if (!export_has(export, site))
            continue;
        progress_step("reading stacks", site);
        error = stacks_read(&export->stacks, site);
        if (error == 0)
            error = calltree_add(heaptrack->tree, CALLTREE_DOWN, export->stacks.path,
                                 export->stacks.count, &nothing, &heaptrack->leaves[site]);
    }
    return error;
}

static int heaptrack_put(struct heaptrack *heaptrack)
{
    FILE *out = heaptrack->export->out;
    fprintf(out, "v %x %x\nX ", HEAPTRACK_VERSION, HEAPTRACK_FORMAT);
    export_command(heaptrack->export->snapshot, out);
    fprintf(out, "\nI %lx %lx\n", sysconf(_SC_PAGESIZE), sysconf(_SC_PHYS_PAGES));
    put_places(heaptrack);
    put_nodes(heaptrack);
    put_all_kinds(heaptrack);
    return put_all_events(heaptrack);
}

static uint64_t heaptrack_events(const struct export *export)
{
    uint64_t events = 0;
    for (uint32_t site = 0; site < export->snapshot->site_count; site++) {
        if (export_has(export, site))
            events += export->snapshot->sites[site].figures.allocs;
    }
    return events;
}

int export_heaptrack(struct export *export)
{
    struct heaptrack heaptrack = {.export = export, .tree = calltree_new(1)};
    if (heaptrack_events(export) > HEAPTRACK_EVENTS_MAX) {
        calltree_free(heaptrack.tree);
        return -E2BIG;
    }
    heaptrack.leaves =
        calloc((size_t) export->snapshot->site_count + 1, sizeof heaptrack.leaves[0]);
    heaptrack.sites = calloc((size_t) export->snapshot->site_count + 1, sizeof heaptrack.sites[0]);
    int error = heaptrack.tree != NULL && heaptrack.leaves != NULL && heaptrack.sites != NULL
                    ? heaptrack_read(&heaptrack)
                    : -ENOMEM;
    if (error == 0)
        error = heaptrack_put(&heaptrack);
    free(heaptrack.leaves);
    free(heaptrack.sites);
    calltree_free(heaptrack.tree);
    return error == 0 && ferror(export->out) ? -EIO : error;
}
