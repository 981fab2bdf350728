/*
 * Keeps       the counters of call sites and of the process, and the exact peak.
 * Invariant   totals.current_bytes == sum over sites of alloc_bytes - freed_bytes (inherited blocks
 *             aside), and each site's bytes at the peak follow from format.h's equation.
 * Threads     any; each call is one step under LOCK_TOTAL. They are stored in the report file's
 *             memory, so nothing is lost when the process is killed.
 * Memory      the file's.
 * On failure  cannot fail. After total_seal nothing changes any more.
 *
 * The peak per site costs one comparison an event: a new maximum raises the peak's epoch; a site
 * whose epoch is older has not changed since that maximum, and saves what it has before it changes.
 */
#ifndef MEMTRACK_TRACK_TOTAL_H
#define MEMTRACK_TRACK_TOTAL_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Number of a new allocation. */
uint64_t total_next_sequence(void);
/* The newest number given out. */
uint64_t total_sequence(void);
void total_alloc(uint32_t site, size_t size);
void total_free(uint32_t site, size_t size, bool temporary);
/* A block of old_size at old_site became one of `size` at `site`, in one step of the peak. */
void total_realloc(uint32_t old_site, size_t old_size, bool temporary, uint32_t site, size_t size);
/* The same where the old block was inherited from before a fork. */
void total_realloc_inherited(uint32_t old_site, size_t old_size, uint32_t site, size_t size);
void total_free_inherited(uint32_t site, size_t size);
void total_failed(uint32_t site);
void total_foreign_free(void);
/* A realloc at this site moved `size` bytes. */
void total_moved(uint32_t site, size_t size);
/* An allocation at this site asked for an alignment. */
void total_aligned(uint32_t site, size_t alignment);
/* Another thread than the one that allocated it has freed a block of this site. */
void total_freed_elsewhere(uint32_t site);
/* The block with this number has died; only if lifetime_is_on (measure/lifetime.h). */
void total_died(uint32_t site, uint64_t sequence);
/* Writes the sealed sums; later calls of the above are ignored. */
void total_seal(void);
/* The sums, for the line at the end. */
void total_current(uint64_t *bytes, uint64_t *blocks);
/* In a forked child, with private tables: all counters of all sites start anew. */
void total_restart(void);
/* In a forked child: one block that lived before the fork. */
void total_inherit(uint32_t site, size_t size);
/* Takes `count` numbers at once; the one before the first. */
uint64_t total_take_sequences(uint64_t count);
/* Records for a thread's shares (track/share.h), zero; NULL if there is no room. */
struct mtf_share *total_reserve_shares(uint32_t count);
/* A histogram of sizes for a thread that has shares; NULL if there is no room. */
struct mtf_size *total_reserve_sizes(void);
/* Adds shares to their sites' records and empties them, in one step of the peak. */
void total_settle(struct mtf_share *shares, uint32_t count);
void total_fork_prepare(void);
void total_fork_parent(void);
void total_fork_child(void);

#endif
