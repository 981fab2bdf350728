#include "reader_part.h"

#include <string.h>

static int reader_mapping(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_mapping *from = record;
    struct snapshot_mapping *to = target;
    const struct snapshot *snapshot = reader->snapshot;
    if (from->site >= snapshot->site_count || from->thread >= snapshot->thread_count ||
        from->kind >= MTF_MAP_KIND_LIMIT || from->leak_kind >= MTF_LEAK_LIMIT ||
        from->length > UINT64_MAX - from->address)
        return reader_damaged(reader, "mapping", index);
    to->address = from->address;
    to->length = from->length;
    to->offset = from->offset;
    to->sequence = from->sequence;
    to->site = from->site;
    to->thread = from->thread;
    to->kind = (enum mtf_map_kind)from->kind;
    to->protection = from->protection;
    to->flags = from->flags;
    to->mapping_flags = from->mapping_flags;
    to->leak_kind = (enum mtf_leak_kind)from->leak_kind;
    return reader_name(reader, from->path, &to->path);
}

static int reader_region(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_region *from = record;
    struct snapshot_region *to = target;
    if (from->kind >= MTF_REGION_LIMIT || from->start > from->end ||
        from->thread >= reader->snapshot->thread_count ||
        (index > 0 && from->start < (to - 1)->end))
        return reader_damaged(reader, "region", index);
    to->start = from->start;
    to->end = from->end;
    to->resident = from->resident;
    to->dirty = from->dirty;
    to->swapped = from->swapped;
    to->kind = (enum mtf_region_kind)from->kind;
    to->protection = from->protection;
    to->thread = from->thread;
    return reader_name(reader, from->path, &to->path);
}

static const struct reader_plan plan_mappings = {MTF_KIND_MAPPINGS, sizeof(struct mtf_mapping),
                                                 sizeof(struct snapshot_mapping), false,
                                                 reader_mapping};
static const struct reader_plan plan_regions = {MTF_KIND_REGIONS, sizeof(struct mtf_region),
                                                sizeof(struct snapshot_region), false,
                                                reader_region};

int reader_maps(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    void *array;
    int error = reader_table(reader, &plan_mappings, &array, &to->mapping_count);
    to->mappings = array;
    if (error == 0) {
        error = reader_table(reader, &plan_regions, &array, &to->region_count);
        to->regions = array;
    }
    to->memory = reader->tables.header.mapped;
    to->mapped.peak_bytes = to->memory.peak_bytes;
    to->mapped.peak_blocks = to->memory.peak_count;
    return error;
}
