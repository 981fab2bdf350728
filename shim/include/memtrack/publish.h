/*
 * The two halves of MTF-PUBLISH, side by side: how the shim makes bytes of the report file visible,
 * and how a reader takes them. See format.h for what follows from the order.
 */
#ifndef MEMTRACK_PUBLISH_H
#define MEMTRACK_PUBLISH_H

#include "memtrack/format.h"

/* Shim: records below `count` are complete. */
static inline void mtf_publish_count(struct mtf_table *table, uint64_t count)
{
    __atomic_store_n(&table->count, count, __ATOMIC_RELEASE);
}

/* Reader: records below the result can be read. */
static inline uint64_t mtf_take_count(const struct mtf_table *table)
{
    return __atomic_load_n(&table->count, __ATOMIC_ACQUIRE);
}

/* Shim: extents below `count` are complete, and file_size covers them. */
static inline void mtf_publish_extents(struct mtf_header *header, uint32_t count)
{
    __atomic_store_n(&header->extent_count, count, __ATOMIC_RELEASE);
}

static inline uint32_t mtf_take_extents(const struct mtf_header *header)
{
    return __atomic_load_n(&header->extent_count, __ATOMIC_ACQUIRE);
}

#endif
