/*
 * Keeps       a call site's blocks told apart by when they were live, as far as its figures say: what a
 *             format that lists single blocks must make up.
 * Invariant   the four parts together are the site's allocations and bytes; both + peak_only is what was
 *             live at the peak, both + end_only what is live at the end. A part without blocks has no
 *             bytes.
 * Threads     any.
 * Memory      a value.
 * On failure  false: no such parts exist, for the figures contradict themselves.
 */
#ifndef MEMTRACK_REPORT_BLOCK_SPLIT_H
#define MEMTRACK_REPORT_BLOCK_SPLIT_H

#include "figures.h"
#include <stdbool.h>
#include <stdint.h>

struct block_part {
    uint64_t blocks;
    uint64_t bytes;
};

struct block_split {
    struct block_part both;      /* live at the peak and at the end */
    struct block_part peak_only; /* freed after the peak */
    struct block_part end_only;  /* allocated after it */
    struct block_part neither;
};

bool block_split(const struct figures *figures, struct block_split *split);

#endif
