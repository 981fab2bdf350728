/*
 * Keeps       the histogram of requested sizes (SIZES).
 * Invariant   the sum over all histograms in the table is what has been counted.
 * Threads     a histogram is written by its owner: the holder of LOCK_TOTAL for the first, a thread for
 *             its own.
 * Memory      MTF_SIZES_COUNT words each, in the file: the first at the start, others where threads
 *             have shares of the counters (track/share.h).
 * On failure  NULL: sizes of that owner are not counted.
 */
#ifndef MEMTRACK_MEASURE_SIZES_H
#define MEMTRACK_MEASURE_SIZES_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "memtrack/format.h"

#include <stddef.h>

/* The histogram of whoever holds LOCK_TOTAL; never NULL, of no effect where there was no room. */
extern struct mtf_size *sizes_shared;

/* format.h's bucket. */
MT_INLINE uint32_t sizes_bucket(size_t size)
{
    if (MT_LIKELY(size < MTF_SIZES_EXACT))
        return (uint32_t)size;
    size_t above = size - 1;
    uint32_t power = 63 - (uint32_t)__builtin_clzl(above >> 10);
    return MTF_SIZES_EXACT + 4 * power + (above >> (power + 8) & 3);
}

MT_INLINE void sizes_count(struct mtf_size *histogram, size_t size)
{
    add_owned(&histogram[sizes_bucket(size)].allocs, 1);
}

void sizes_start(void);
/* A new histogram; under LOCK_TOTAL. NULL if there is no room. */
struct mtf_size *sizes_reserve(void);
/* In a forked child, with private tables: all begins anew. */
void sizes_restart(void);

#endif
