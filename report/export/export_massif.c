/*
 * Massif's format, for ms_print and massif-visualizer: the timeline as snapshots, with the tree of what
 * was live in the one at the peak and in the last.
 *
 * Time is in milliseconds. See export_peak_ns for that of the peak.
 */
#include "calltree.h"
#include "export.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Children with less than one part in so many of the whole are summed up, as massif does by default. */
#define MASSIF_THRESHOLD 100

struct massif {
    struct export *export;
    uint32_t snapshots;
};

static const struct figures *massif_totals(const struct export *export)
{
    switch (export->domain) {
    case MTF_DOMAIN_MAPPINGS:
        return &export->snapshot->mapped;
    case MTF_DOMAIN_POOLS:
        return &export->snapshot->pooled;
    default:
        return &export->snapshot->totals;
    }
}

static void put_snapshot(struct massif *massif, uint64_t at_ns, uint64_t bytes, const char *tree)
{
    fprintf(massif->export->out,
            "#-----------\nsnapshot=%" PRIu32 "\n#-----------\ntime=%" PRIu64
            "\nmem_heap_B=%" PRIu64 "\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
            massif->snapshots++, at_ns / 1000000, bytes, tree);
}

/* How many children are shown, and what the others have together. */
static uint32_t children_shown(const struct calltree *tree, uint32_t node, uint32_t *others,
                               uint64_t *others_bytes)
{
    uint64_t least = calltree_values(tree, 0)[0] / MASSIF_THRESHOLD;
    uint32_t shown = 0;
    *others = 0;
    *others_bytes = 0;
    for (uint32_t child = calltree_node(tree, node)->first_child; child != 0;
         child = calltree_node(tree, child)->next) {
        uint64_t bytes = calltree_values(tree, child)[0];
        if (bytes > 0 && bytes >= least) {
            shown++;
        } else if (bytes > 0) {
            (*others)++;
            *others_bytes += bytes;
        }
    }
    return shown;
}

static void put_indent(FILE *out, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        fputc(' ', out);
}

/* Massif has an address in front of each name; the function's number stands for it. */
static void put_name(FILE *out, const struct function *function, uint32_t id)
{
    fprintf(out, " 0x%" PRIX32 ": ", id + 1);
    export_text(out, function->name, '\0');
    fputs(" (", out);
    export_text(out,
                function->file != NULL ? functions_base_name(function->file)
                                       : functions_base_name(function->module),
                '\0');
    if (function->file != NULL)
        fprintf(out, ":%u", function->line);
    fputs(")\n", out);
}

/* One node's line. Returns whether its children are to follow. */
static bool put_node(struct massif *massif, const struct calltree *tree, uint32_t node,
                     uint32_t depth)
{
    FILE *out = massif->export->out;
    uint32_t others;
    uint64_t others_bytes;
    uint32_t shown = children_shown(tree, node, &others, &others_bytes);
    uint32_t id = calltree_node(tree, node)->function;
    put_indent(out, depth);
    fprintf(out, "n%" PRIu32 ": %" PRIu64, shown + (others > 0), calltree_values(tree, node)[0]);
    if (node == 0)
        fputs(" (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n", out);
    else
        put_name(out, functions_get(massif->export->stacks.functions, id), id);
    return shown > 0 || others > 0;
}

/* What stands for the children that are too small, behind those that are not. */
static void put_others(struct massif *massif, const struct calltree *tree, uint32_t node,
                       uint32_t depth)
{
    uint32_t others;
    uint64_t bytes;
    children_shown(tree, node, &others, &bytes);
    if (others == 0)
        return;
    put_indent(massif->export->out, depth);
    fprintf(massif->export->out,
            "n0: %" PRIu64 " in %" PRIu32 " place%s, all below massif's threshold (%.2f%%)\n",
            bytes, others, others == 1 ? "" : "s", 100.0 / MASSIF_THRESHOLD);
}

/* Children are sorted: those that are shown come first. */
static uint32_t next_shown(const struct calltree *tree, uint32_t node)
{
    uint64_t least = calltree_values(tree, 0)[0] / MASSIF_THRESHOLD;
    if (node == 0)
        return 0;
    uint64_t bytes = calltree_values(tree, node)[0];
    return bytes > 0 && bytes >= least ? node : 0;
}

static void put_tree(struct massif *massif, const struct calltree *tree)
{
    uint32_t node = 0, depth = 0;
    put_node(massif, tree, 0, 0);
    for (;;) {
        uint32_t next = next_shown(tree, calltree_node(tree, node)->first_child);
        if (next != 0) {
            node = next;
            put_node(massif, tree, node, ++depth);
            continue;
        }
        put_others(massif, tree, node, depth + 1);
        while (node != 0 && (next = next_shown(tree, calltree_node(tree, node)->next)) == 0) {
            node = calltree_node(tree, node)->parent;
            put_others(massif, tree, node, depth--);
        }
        if (node == 0)
            return;
        node = next;
        put_node(massif, tree, node, depth);
    }
}

static int tree_fill(struct massif *massif, struct calltree *tree, enum figures_key key)
{
    struct export *export = massif->export;
    int error = 0;
    for (uint32_t site = 0; site < export->snapshot->site_count && error == 0; site++) {
        uint64_t value = figures_value(&export->snapshot->sites[site].figures, key);
        if (!export_has(export, site) || value == 0)
            continue;
        progress_step("reading stacks", site);
        error = stacks_read(&export->stacks, site);
        if (error == 0)
            error = calltree_add(tree, CALLTREE_UP, export->stacks.path, export->stacks.count,
                                 &value, NULL);
    }
    return error == 0 ? calltree_sort(tree, 0) : error;
}

static int put_detailed(struct massif *massif, uint64_t at_ns, enum figures_key key)
{
    struct calltree *tree = calltree_new(1);
    int error = tree != NULL ? tree_fill(massif, tree, key) : -ENOMEM;
    if (error == 0) {
        put_snapshot(massif, at_ns, figures_value(massif_totals(massif->export), key),
                     key == FIGURES_PEAK ? "peak" : "detailed");
        put_tree(massif, tree);
    }
    calltree_free(tree);
    return error;
}

/* A spike between two points is a snapshot of its own, half-way. */
static void put_point(struct massif *massif, const struct snapshot_point *point, uint64_t before_ns)
{
    bool mapped = massif->export->domain == MTF_DOMAIN_MAPPINGS;
    if (!mapped && point->heap_peak_bytes > point->heap_bytes)
        put_snapshot(massif, before_ns + (point->at_ns - before_ns) / 2, point->heap_peak_bytes,
                     "empty");
    put_snapshot(massif, point->at_ns, mapped ? point->mapped_bytes : point->heap_bytes, "empty");
}

static int put_snapshots(struct massif *massif)
{
    const struct snapshot *snapshot = massif->export->snapshot;
    uint64_t peak = export_peak_ns(snapshot), before = 0;
    uint32_t i = 0;
    put_snapshot(massif, 0, 0, "empty");
    for (; i < snapshot->point_count && snapshot->points[i].at_ns < peak; i++) {
        put_point(massif, &snapshot->points[i], before);
        before = snapshot->points[i].at_ns;
    }
    int error = put_detailed(massif, peak, FIGURES_PEAK);
    for (before = peak; i < snapshot->point_count && error == 0; i++) {
        put_point(massif, &snapshot->points[i], before);
        before = snapshot->points[i].at_ns;
    }
    return error == 0 ? put_detailed(massif, export_end_ns(snapshot), FIGURES_LIVE) : error;
}

int export_massif(struct export *export)
{
    struct massif massif = {.export = export};
    fputs("desc: memtrack\ncmd: ", export->out);
    export_command(export->snapshot, export->out);
    fputs("\ntime_unit: ms\n", export->out);
    int error = put_snapshots(&massif);
    return error == 0 && ferror(export->out) ? -EIO : error;
}
