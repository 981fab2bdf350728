/*
 * Tables of a database of reports for what was measured beside the figures of call sites.
 */
#include "leaks/leak_record.h"
#include "memory/memory_sum.h"
#include "sqlite_part.h"
#include "usage/phase_group.h"

#include <errno.h>
#include <stdlib.h>

static void put_points(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "points", 9);
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        const struct snapshot_point *point = &snapshot->points[i];
        sql_row_begin(database);
        sql_put_number(database, point->at_ns);
        sql_put_number(database, point->sequence);
        sql_put_number(database, point->heap_bytes);
        sql_put_number(database, point->heap_blocks);
        sql_put_number(database, point->heap_peak_bytes);
        sql_put_number(database, point->mapped_bytes);
        sql_put_number(database, point->resident);
        sql_put_name(database, &snapshot->phases[point->phase].name);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_sizes(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "sizes", 3);
    for (uint32_t i = 0; snapshot->sizes != NULL && i < MTF_SIZES_COUNT; i++) {
        if (snapshot->sizes[i] == 0)
            continue;
        sql_row_begin(database);
        sql_put_number(database, snapshot_size_top(i));
        sql_put_number(database, snapshot->sizes[i]);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_usage(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    uint32_t before = UINT32_MAX;
    sql_rows_begin(database, "usage", 6);
    for (uint32_t i = 0; i < snapshot->usage_count; i++) {
        const struct snapshot_usage *usage = &snapshot->usages[i];
        if (usage->site == before)
            continue;
        before = usage->site;
        sql_row_begin(database);
        sql_put_number(database, usage->site);
        sql_put_number(database, usage->alignment);
        sql_put_number(database, usage->moved_bytes);
        sql_put_number(database, usage->usable_bytes);
        sql_put_number(database, usage->other_thread);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

/* One row for each step that counts any. */
static void put_steps(struct database *database, uint32_t site, const char *measure,
                      const uint64_t steps[MTF_LIFETIME_STEPS], unsigned first)
{
    for (unsigned step = 0; step < MTF_LIFETIME_STEPS; step++) {
        if (steps[step] == 0)
            continue;
        sql_row_begin(database);
        sql_put_number(database, site);
        sql_put_string(database, measure);
        sql_put_number(database, step + 1 < MTF_LIFETIME_STEPS ? UINT64_C(1) << 2 * (step + first)
                                                               : INT64_MAX);
        sql_put_number(database, steps[step]);
        sql_row_end(database);
    }
}

static void put_lifetimes(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "lifetimes", 5);
    for (uint32_t i = 0; i < snapshot->lifetime_count; i++) {
        const struct snapshot_lifetime *lifetime = &snapshot->lifetimes[i];
        if (i > 0 && lifetime[-1].site == lifetime->site)
            continue;
        put_steps(database, lifetime->site, "bytes", lifetime->bytes, 2);
        put_steps(database, lifetime->site, "ns", lifetime->ns, 4);
    }
    sql_rows_end(database);
}

static void put_phase_figures(struct database *database, const struct figures *figures)
{
    sql_put_number(database, figures->alloc_bytes);
    sql_put_number(database, figures->allocs);
    sql_put_number(database, figures->freed_bytes);
    sql_put_number(database, figures->frees);
    sql_put_number(database, figures->temporary);
    sql_put_number(database, figures->reallocs);
}

static void put_phases(struct database *database, const struct phase_groups *groups)
{
    sql_rows_begin(database, "phases", 15);
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct phase_group *group = &groups->groups[i];
        sql_row_begin(database);
        sql_put_number(database, i);
        sql_put_name(database, &group->name);
        sql_put_number(database, group->count);
        sql_put_number(database, group->at_ns);
        sql_put_number(database, group->elapsed_ns);
        sql_put_number(database, group->figures.peak_bytes);
        sql_put_number(database, group->figures.live_bytes);
        sql_put_number(database, group->figures.live_blocks);
        put_phase_figures(database, &group->figures);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static int phase_site_compare(const void *left, const void *right)
{
    const struct snapshot_phase_site *a = left, *b = right;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

static void put_phase_site(struct database *database, const struct snapshot_phase_site *first,
                           const struct figures *figures)
{
    sql_row_begin(database);
    sql_put_number(database, first->phase);
    sql_put_number(database, first->site);
    put_phase_figures(database, figures);
    sql_row_end(database);
}

/* Records of phases of one name and one site together; `parts` are in that order. */
static void put_phase_sites(struct database *database, const struct snapshot_phase_site *parts,
                            uint32_t count)
{
    struct figures sum = {0};
    sql_rows_begin(database, "phase_sites", 9);
    for (uint32_t i = 0; i < count; i++) {
        const struct figures part = phase_site_figures(&parts[i]);
        figures_add(&sum, &part);
        if (i + 1 < count && phase_site_compare(&parts[i], &parts[i + 1]) == 0)
            continue;
        put_phase_site(database, &parts[i], &sum);
        sum = (struct figures){0};
    }
    sql_rows_end(database);
}

static int put_all_phases(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    uint32_t count = snapshot->phase_site_count;
    struct phase_groups groups;
    if (snapshot->phase_count < 2 || snapshot->is_cut)
        return 0;
    int error = phase_groups_build(&groups, snapshot);
    if (error != 0)
        return error;
    struct snapshot_phase_site *parts = calloc((size_t)count + 1, sizeof parts[0]);
    for (uint32_t i = 0; i < count && parts != NULL; i++) {
        parts[i] = snapshot->phase_sites[i];
        parts[i].phase = groups.of[parts[i].phase];
    }
    if (parts != NULL) {
        qsort(parts, count, sizeof parts[0], phase_site_compare);
        put_phases(database, &groups);
        put_phase_sites(database, parts, count);
    }
    free(parts);
    phase_groups_free(&groups);
    return parts != NULL ? 0 : -ENOMEM;
}

static void put_mappings(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "mappings", 9);
    for (uint32_t i = 0; i < snapshot->mapping_count; i++) {
        const struct snapshot_mapping *mapping = &snapshot->mappings[i];
        sql_row_begin(database);
        sql_put_number(database, mapping->site);
        sql_put_number(database, mapping->address);
        sql_put_number(database, mapping->length);
        sql_put_string(database, memory_map_kind_name(mapping->kind));
        sql_put_number(database, mapping->protection);
        sql_put_name(database, &mapping->path);
        sql_put_string(database, leak_kind_name(mapping->leak_kind));
        sql_put_signed(database, (mapping->mapping_flags & MTF_MAPPING_ALLOCATOR) != 0);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_memory(struct database *database)
{
    struct memory_sum sum;
    memory_sum(database->export->snapshot, &sum);
    sql_rows_begin(database, "memory", 6);
    for (int kind = 0; kind < MTF_REGION_LIMIT; kind++) {
        const struct memory_part *part = &sum.kinds[kind];
        if (part->regions == 0)
            continue;
        sql_row_begin(database);
        sql_put_string(database, memory_kind_name((enum mtf_region_kind)kind));
        sql_put_number(database, part->bytes);
        sql_put_number(database, part->resident);
        sql_put_number(database, part->dirty);
        sql_put_number(database, part->swapped);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

int sql_put_usage(struct database *database)
{
    put_points(database);
    put_sizes(database);
    put_usage(database);
    put_lifetimes(database);
    put_mappings(database);
    put_memory(database);
    return put_all_phases(database);
}
