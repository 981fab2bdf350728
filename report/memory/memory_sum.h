/*
 * Keeps       what a process's memory at its end comes to: resident bytes by what they hold.
 * Invariant   the resident bytes of all kinds together are those of all regions.
 * Threads     any.
 * Memory      a value.
 * On failure  cannot fail; all sums are 0 where the report has no regions.
 */
#ifndef MEMTRACK_REPORT_MEMORY_SUM_H
#define MEMTRACK_REPORT_MEMORY_SUM_H

#include "snapshot.h"

struct memory_part {
    uint64_t bytes; /* of address space */
    uint64_t resident;
    uint64_t dirty;
    uint64_t swapped;
    uint32_t regions;
};

struct memory_sum {
    struct memory_part kinds[MTF_REGION_LIMIT];
    struct memory_part all;
    uint64_t in_use;    /* resident pages of the heap that hold live blocks */
    uint64_t trimmable; /* and those that hold none */
    uint64_t overlap;   /* bytes of mappings that hold heap blocks: counted in both */
};

void memory_sum(const struct snapshot *snapshot, struct memory_sum *sum);
/* "heap", "mapping" ...: as in JSON. */
const char *memory_kind_name(enum mtf_region_kind kind);
const char *memory_map_kind_name(enum mtf_map_kind kind);

#endif
