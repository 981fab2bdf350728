/*
 * Phases in a page: a table of all of them, and columns of their own for those with most calls, so that
 * trees and tables can be cut to them.
 */
#include "page_part.h"
#include "usage/phase_cut.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Phases in the table. */
#define PHASES_LISTED 200

static int cut_open(struct page_writer *writer, uint32_t group)
{
    const struct snapshot *snapshot = writer->page->snapshots[0];
    struct page_cut *cut = &writer->cuts[writer->cut_count];
    cut->figures = calloc((size_t)snapshot->site_count + 1, sizeof cut->figures[0]);
    if (cut->figures == NULL)
        return -ENOMEM;
    cut->group = group;
    writer->cut_count++;
    writer->width += PAGE_COLUMNS;
    phase_cut_figures(snapshot, &writer->phases, group, cut->figures);
    for (uint32_t site = 0; site < snapshot->site_count; site++) {
        if (snapshot->sites[site].domain == MTF_DOMAIN_HEAP)
            figures_add(&cut->totals, &cut->figures[site]);
    }
    cut->totals.peak_bytes = writer->phases.groups[group].figures.peak_bytes;
    return 0;
}

static bool cut_is_open(const struct page_writer *writer, uint32_t group)
{
    for (unsigned cut = 0; cut < writer->cut_count; cut++) {
        if (writer->cuts[cut].group == group)
            return true;
    }
    return false;
}

/* The phase with most calls of those that have no columns yet, the first of equals; UINT32_MAX: none. */
static uint32_t cut_next(const struct page_writer *writer)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < writer->phases.count; i++) {
        const struct phase_group *groups = writer->phases.groups;
        if (!cut_is_open(writer, i) &&
            (best == UINT32_MAX || groups[i].figures.allocs > groups[best].figures.allocs))
            best = i;
    }
    return best;
}

static int cut_compare(const void *left, const void *right)
{
    const struct page_cut *a = left, *b = right;
    return (a->group > b->group) - (a->group < b->group);
}

int page_cuts_open(struct page_writer *writer)
{
    const struct snapshot *snapshot = writer->page->snapshots[0];
    int error = 0;
    if (writer->page->count > 1 || snapshot->phase_count < 2)
        return 0;
    error = phase_groups_build(&writer->phases, snapshot);
    while (error == 0 && writer->cut_count < PAGE_GROUPS_MAX - 1) {
        uint32_t next = cut_next(writer);
        if (next == UINT32_MAX)
            break;
        error = cut_open(writer, next);
    }
    qsort(writer->cuts, writer->cut_count, sizeof writer->cuts[0], cut_compare);
    return error;
}

void page_cuts_close(struct page_writer *writer)
{
    for (unsigned cut = 0; cut < writer->cut_count; cut++)
        free(writer->cuts[cut].figures);
    phase_groups_free(&writer->phases);
}

static unsigned cut_of(const struct page_writer *writer, uint32_t group)
{
    for (unsigned cut = 0; cut < writer->cut_count; cut++) {
        if (writer->cuts[cut].group == group)
            return cut + 1;
    }
    return 0;
}

/* "[name, times, from, elapsed, group of columns or 0, frees, freed bytes, columns...]" */
static int put_phase(struct page_writer *writer, uint32_t index)
{
    const struct phase_group *group = &writer->phases.groups[index];
    const struct snapshot_name unnamed = {PHASE_UNNAMED, strlen(PHASE_UNNAMED)};
    const struct snapshot_name *name = group->name.length > 0 ? &group->name : &unnamed;
    unsigned cut = cut_of(writer, index);
    uint64_t columns[PAGE_WIDTH_MAX];
    const uint64_t values[] = {group->count, group->at_ns,         group->elapsed_ns,
                               cut,          group->figures.frees, group->figures.freed_bytes};
    fputs(index > 0 ? ",\n[" : "\n[", writer->out);
    int error = page_put_string(writer->out, name->bytes, name->length);
    page_put_values(writer, values, sizeof values / sizeof values[0]);
    page_columns(cut > 0 ? &writer->cuts[cut - 1].totals : &group->figures, 0, columns);
    page_put_values(writer, columns, PAGE_COLUMNS);
    fputc(']', writer->out);
    return error;
}

int page_put_phases(struct page_writer *writer)
{
    int error = 0;
    fprintf(writer->out, ",\n\"phases\":{\"all\":%" PRIu32 ",\"groups\":%u,\"rows\":[",
            writer->phases.count, writer->width / PAGE_COLUMNS);
    for (uint32_t i = 0; i < writer->phases.count && i < PHASES_LISTED && error == 0; i++)
        error = put_phase(writer, i);
    fputs("]}", writer->out);
    return error;
}
