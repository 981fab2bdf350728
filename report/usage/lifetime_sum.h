/*
 * Keeps       how long blocks lived, over all call sites; and the lifetime that half of a site's blocks
 *             did not reach.
 * Invariant   both histograms count the same blocks.
 * Threads     any.
 * Memory      a value.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_REPORT_LIFETIME_SUM_H
#define MEMTRACK_REPORT_LIFETIME_SUM_H

#include "snapshot.h"

struct lifetime_sum {
    uint64_t blocks;
    uint64_t bytes[MTF_LIFETIME_STEPS]; /* in bytes allocated meanwhile: step i below 4^(i+2) */
    uint64_t time[MTF_LIFETIME_STEPS];  /* in nanoseconds: below 4^(i+4) */
};

void lifetime_sum(const struct snapshot *snapshot, struct lifetime_sum *sum);
/* How many blocks a histogram counts. */
uint64_t lifetime_blocks(const uint64_t steps[MTF_LIFETIME_STEPS]);
/* The step in which half of the blocks are reached; 0 without any. */
unsigned lifetime_median(const uint64_t steps[MTF_LIFETIME_STEPS]);

#endif
