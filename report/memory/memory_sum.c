#include "memory_sum.h"

#include <string.h>

static void part_add(struct memory_part *part, const struct snapshot_region *region)
{
    part->bytes += region->end - region->start;
    part->resident += region->resident;
    part->dirty += region->dirty;
    part->swapped += region->swapped;
    part->regions++;
}

void memory_sum(const struct snapshot *snapshot, struct memory_sum *sum)
{
    memset(sum, 0, sizeof *sum);
    for (uint32_t i = 0; i < snapshot->region_count; i++) {
        part_add(&sum->kinds[snapshot->regions[i].kind], &snapshot->regions[i]);
        part_add(&sum->all, &snapshot->regions[i]);
    }
    uint64_t heap = sum->kinds[MTF_REGION_HEAP].resident;
    sum->trimmable = snapshot->memory.allocator_trimmable;
    if (sum->trimmable > heap)
        sum->trimmable = heap;
    sum->in_use = heap - sum->trimmable;
    for (uint32_t i = 0; i < snapshot->mapping_count; i++) {
        if (snapshot->mappings[i].mapping_flags & MTF_MAPPING_ALLOCATOR)
            sum->overlap += snapshot->mappings[i].length;
    }
}

const char *memory_kind_name(enum mtf_region_kind kind)
{
    static const char *const names[MTF_REGION_LIMIT] = {
        [MTF_REGION_OTHER] = "other",     [MTF_REGION_HEAP] = "heap",
        [MTF_REGION_MAPPING] = "mapping", [MTF_REGION_STACK] = "stack",
        [MTF_REGION_MODULE] = "module",   [MTF_REGION_MEMTRACK] = "memtrack",
        [MTF_REGION_KERNEL] = "kernel",
    };
    return names[kind];
}

const char *memory_map_kind_name(enum mtf_map_kind kind)
{
    static const char *const names[MTF_MAP_KIND_LIMIT] = {
        [MTF_MAP_ANONYMOUS] = "anonymous",
        [MTF_MAP_FILE_PRIVATE] = "file private",
        [MTF_MAP_FILE_SHARED] = "file shared",
        [MTF_MAP_ANONYMOUS_SHARED] = "anonymous shared",
        [MTF_MAP_STACK] = "stack",
        [MTF_MAP_HUGE] = "huge pages",
        [MTF_MAP_SYSV] = "System V segment",
        [MTF_MAP_BREAK] = "program break",
    };
    return names[kind];
}
