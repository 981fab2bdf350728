/*
 * Keeps       sizes of live blocks too large for the live table's REGION_SIZE_BITS.
 * Invariant   an address is here exactly while its entry in the live table says so.
 * Threads     any; takes a lock of its own inside LOCK_LIVE.
 * Memory      a uthash table from base/heap; such blocks are few.
 * On failure  huge_put gives false: nothing is kept. The size of an address that is not here reads
 *             as the least that such a block has, HUGE_LEAST.
 */
#ifndef MEMTRACK_TRACK_HUGE_H
#define MEMTRACK_TRACK_HUGE_H

#include <stdbool.h>
#include <stddef.h>

#define HUGE_LEAST 0x3ffffu /* bytes */

bool huge_put(const void *address, size_t size);
/* The size; `take` removes it. */
size_t huge_get(const void *address, bool take);
void huge_fork_prepare(void);
void huge_fork_parent(void);
/* `whole` as in live_fork_child: a table that was being changed is given up. */
void huge_fork_child(bool whole);

#endif
