/*
 * Keeps       what a leak check found, in the report file: totals by kind (CHECKS), loss records (LOSSES)
 *             and examples (BLOCKS).
 * Invariant   the losses of a check add up to its totals, but for inherited blocks, which have none; a
 *             block's indirect bytes are credited to one definite record.
 * Threads     the one that checks for leaks.
 * Memory      the file's; while it works, 16 bytes a site and 4 a block, of which the caller gives the
 *             latter.
 * On failure  without room for records the totals stand alone.
 */
#ifndef MEMTRACK_SCAN_LOSS_H
#define MEMTRACK_SCAN_LOSS_H

#include "memtrack/format.h"
#include "scan/census.h"

/* How a block is held, once the marks are complete. */
enum mtf_leak_kind loss_kind(const struct census *census, uint32_t index);
void loss_sum(const struct census *census, struct mtf_check *check);
/* Records that loss_write may need at most. */
uint64_t loss_bound(const struct census *census);
/* Writes the loss records of the check with this index. `scratch` has one word per block. */
void loss_write(const struct census *census, uint32_t check, uint32_t *scratch);
/* Lists at most `limit` blocks of each site in BLOCKS, lost ones before others, and gives the losses of
   the check their examples. `contents`: how many of their first bytes are kept. */
void loss_list_blocks(const struct census *census, uint32_t check, uint32_t limit,
                      uint32_t contents, uint32_t *scratch);

#endif
