#include "reader_part.h"

#include <stdlib.h>
#include <string.h>

static int reader_phase(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_phase *from = record;
    struct snapshot_phase *to = target;
    (void)index;
    to->at_ns = from->at_ns;
    to->sequence = from->sequence;
    to->heap_bytes = from->heap_bytes;
    to->peak_bytes = from->peak_bytes;
    return reader_name(reader, from->name, &to->name);
}

/* A phase that a live process added since counts as the one before it. */
static int reader_point(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_point *from = record;
    uint32_t phases = reader->snapshot->phase_count;
    (void)index;
    *(struct snapshot_point *)target = (struct snapshot_point){
        .at_ns = from->at_ns,
        .sequence = from->sequence,
        .heap_bytes = from->heap_bytes,
        .heap_blocks = from->heap_blocks,
        .heap_peak_bytes = from->heap_peak_bytes,
        .mapped_bytes = from->mapped_bytes,
        .resident = from->resident,
        .phase = from->phase < phases ? from->phase : phases - 1,
    };
    return 0;
}

static int reader_usage_record(struct reader *reader, const void *record, void *target,
                               uint32_t index)
{
    const struct mtf_usage *from = record;
    struct snapshot_usage *to = target;
    (void)reader;
    (void)index;
    to->site = from->site;
    to->alignment = from->alignment;
    to->moved_bytes = from->moved_bytes;
    to->usable_bytes = from->usable_bytes;
    to->other_thread = from->other_thread;
    return 0;
}

static int reader_lifetime(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_lifetime *from = record;
    struct snapshot_lifetime *to = target;
    (void)reader;
    (void)index;
    to->site = from->site;
    memcpy(to->bytes, from->bytes, sizeof to->bytes);
    memcpy(to->ns, from->ns, sizeof to->ns);
    return 0;
}

/* The shim merges points from the front: while it does, or where it was killed, points stand twice,
   the second time behind newer ones. */
static void points_drop_older(struct snapshot *snapshot)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        if (kept == 0 || snapshot->points[i].at_ns > snapshot->points[kept - 1].at_ns)
            snapshot->points[kept++] = snapshot->points[i];
    }
    snapshot->point_count = kept;
}

static int usage_compare(const void *left, const void *right)
{
    const struct snapshot_usage *a = left, *b = right;
    return (a->site > b->site) - (a->site < b->site);
}

static int lifetime_compare(const void *left, const void *right)
{
    const struct snapshot_lifetime *a = left, *b = right;
    return (a->site > b->site) - (a->site < b->site);
}

/* By site; without those of sites that a running process has made since the sites were read. */
static void usages_order(struct snapshot *snapshot)
{
    uint32_t sites = snapshot->site_count;
    qsort(snapshot->usages, snapshot->usage_count, sizeof snapshot->usages[0], usage_compare);
    while (snapshot->usage_count > 0 && snapshot->usages[snapshot->usage_count - 1].site >= sites)
        snapshot->usage_count--;
}

static void lifetimes_order(struct snapshot *snapshot)
{
    uint32_t sites = snapshot->site_count;
    qsort(snapshot->lifetimes, snapshot->lifetime_count, sizeof snapshot->lifetimes[0],
          lifetime_compare);
    while (snapshot->lifetime_count > 0 &&
           snapshot->lifetimes[snapshot->lifetime_count - 1].site >= sites)
        snapshot->lifetime_count--;
}

/* The sum of all histograms in the table. */
static int reader_sizes(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    void *records;
    uint64_t count;
    int error =
        tables_read(&reader->tables, MTF_KIND_SIZES, sizeof(struct mtf_size), &records, &count);
    if (error != 0)
        return error;
    const struct mtf_size *sizes = records;
    if (count % MTF_SIZES_COUNT != 0)
        error = reader_damaged(reader, "histogram of sizes", count);
    else if (count > 0 && (to->sizes = calloc(MTF_SIZES_COUNT, sizeof to->sizes[0])) == NULL)
        error = reader_out_of_memory(reader);
    for (uint64_t i = 0; i < count && error == 0; i++)
        to->sizes[i % MTF_SIZES_COUNT] += sizes[i].allocs;
    free(records);
    return error;
}

static const struct reader_plan plan_phases = {MTF_KIND_PHASES, sizeof(struct mtf_phase),
                                               sizeof(struct snapshot_phase), true, reader_phase};
static const struct reader_plan plan_points = {MTF_KIND_TIMELINE, sizeof(struct mtf_point),
                                               sizeof(struct snapshot_point), false, reader_point};
static const struct reader_plan plan_usage = {MTF_KIND_USAGE, sizeof(struct mtf_usage),
                                              sizeof(struct snapshot_usage), false,
                                              reader_usage_record};
static const struct reader_plan plan_lifetimes = {MTF_KIND_LIFETIMES, sizeof(struct mtf_lifetime),
                                                  sizeof(struct snapshot_lifetime), false,
                                                  reader_lifetime};

int reader_usages(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    void *array;
    int error = reader_table(reader, &plan_phases, &array, &to->phase_count);
    to->phases = array;
    if (error == 0 && to->phases[0].name.bytes == NULL)
        to->phases[0].name.bytes = "";
    if (error == 0) {
        error = reader_table(reader, &plan_points, &array, &to->point_count);
        to->points = array;
    }
    if (error == 0) {
        points_drop_older(to);
        error = reader_table(reader, &plan_usage, &array, &to->usage_count);
        to->usages = array;
    }
    if (error == 0) {
        usages_order(to);
        error = reader_table(reader, &plan_lifetimes, &array, &to->lifetime_count);
        to->lifetimes = array;
    }
    if (error == 0) {
        lifetimes_order(to);
        error = reader_sizes(reader);
    }
    if (error == 0)
        error = reader_phases(reader);
    return error;
}
