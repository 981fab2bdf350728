/*
 * What each call site did in each phase. The last phase is what is left of a site's counters: its own
 * records are written at the end, which a running or killed process has not come to.
 */
#include "reader_part.h"

#include <stdlib.h>

static int reader_phase_site(struct reader *reader, const void *record, void *target,
                             uint32_t index)
{
    const struct mtf_phase_site *from = record;
    (void)reader;
    (void)index;
    *(struct snapshot_phase_site *)target = (struct snapshot_phase_site){
        .phase = from->phase,
        .site = from->site,
        .allocs = from->allocs,
        .alloc_bytes = from->alloc_bytes,
        .frees = from->frees,
        .freed_bytes = from->freed_bytes,
        .temporary = from->temporary,
        .reallocs = from->reallocs,
    };
    return 0;
}

static const struct reader_plan plan_phase_sites = {
    MTF_KIND_PHASE_SITES, sizeof(struct mtf_phase_site), sizeof(struct snapshot_phase_site), false,
    reader_phase_site};

static int phase_site_compare(const void *left, const void *right)
{
    const struct snapshot_phase_site *a = left, *b = right;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

/* Without the last phase's, and what a running process has added since the sites were read. */
static void phase_sites_keep_ended(struct snapshot *snapshot)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < snapshot->phase_site_count; i++) {
        const struct snapshot_phase_site *from = &snapshot->phase_sites[i];
        if (from->phase + UINT64_C(1) < snapshot->phase_count && from->site < snapshot->site_count)
            snapshot->phase_sites[kept++] = *from;
    }
    snapshot->phase_site_count = kept;
}

static void subtract(uint64_t *whole, uint64_t part)
{
    *whole -= part < *whole ? part : *whole;
}

/* Takes what ended phases have from what the sites have. */
static void phase_sites_rest(const struct snapshot *snapshot, struct snapshot_phase_site *rest)
{
    for (uint32_t site = 0; site < snapshot->site_count; site++) {
        const struct figures *figures = &snapshot->sites[site].figures;
        rest[site] = (struct snapshot_phase_site){
            .phase = snapshot->phase_count - 1,
            .site = site,
            .allocs = figures->allocs,
            .alloc_bytes = figures->alloc_bytes,
            .frees = figures->frees,
            .freed_bytes = figures->freed_bytes,
            .temporary = figures->temporary,
            .reallocs = figures->reallocs,
        };
    }
    for (uint32_t i = 0; i < snapshot->phase_site_count; i++) {
        const struct snapshot_phase_site *part = &snapshot->phase_sites[i];
        struct snapshot_phase_site *whole = &rest[part->site];
        subtract(&whole->allocs, part->allocs);
        subtract(&whole->alloc_bytes, part->alloc_bytes);
        subtract(&whole->frees, part->frees);
        subtract(&whole->freed_bytes, part->freed_bytes);
        subtract(&whole->temporary, part->temporary);
        subtract(&whole->reallocs, part->reallocs);
    }
}

static int phase_sites_add_last(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    size_t all = (size_t)to->phase_site_count + to->site_count;
    struct snapshot_phase_site *grown = reallocarray(to->phase_sites, all + 1, sizeof grown[0]);
    if (grown == NULL)
        return reader_out_of_memory(reader);
    to->phase_sites = grown;
    struct snapshot_phase_site *rest = grown + to->phase_site_count;
    phase_sites_rest(to, rest);
    for (uint32_t site = 0; site < to->site_count; site++) {
        if (rest[site].allocs | rest[site].frees)
            grown[to->phase_site_count++] = rest[site];
    }
    return 0;
}

/* The last moment that anything is known of. */
static uint64_t phases_end(const struct snapshot *snapshot)
{
    uint64_t last = snapshot->elapsed_ns;
    if (snapshot->point_count > 0 && snapshot->points[snapshot->point_count - 1].at_ns > last)
        last = snapshot->points[snapshot->point_count - 1].at_ns;
    return last;
}

/* A phase ends where the next one begins; the last one's peak may not be known yet, but by points. */
static void phases_complete(struct snapshot *snapshot)
{
    struct snapshot_phase *last = &snapshot->phases[snapshot->phase_count - 1];
    for (uint32_t i = 0; i + 1 < snapshot->phase_count; i++)
        snapshot->phases[i].end_ns = snapshot->phases[i + 1].at_ns;
    last->end_ns = phases_end(snapshot);
    if (last->end_ns < last->at_ns)
        last->end_ns = last->at_ns;
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        const struct snapshot_point *point = &snapshot->points[i];
        if (point->at_ns >= last->at_ns && point->heap_bytes > last->peak_bytes)
            last->peak_bytes = point->heap_bytes;
    }
}

int reader_phases(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    void *array;
    phases_complete(to);
    if (to->phase_count < 2)
        return 0;
    int error = reader_table(reader, &plan_phase_sites, &array, &to->phase_site_count);
    to->phase_sites = array;
    if (error != 0)
        return error;
    phase_sites_keep_ended(to);
    error = phase_sites_add_last(reader);
    if (error == 0)
        qsort(to->phase_sites, to->phase_site_count, sizeof to->phase_sites[0], phase_site_compare);
    return error;
}
