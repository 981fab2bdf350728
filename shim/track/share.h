/*
 * Keeps       threads apart that count at the same time: each has its own share of the counters.
 * Invariant   a site's true counters are its record plus all shares of it. A thread's shares hold at
 *             most SHARE_DRIFT bytes more allocated than freed, or the other way, so the peak is exact
 *             to within that many bytes a thread (totals.peak_error).
 * Threads     a share is written by its own thread, inside the shim; settled under LOCK_TOTAL.
 * Memory      SHARE_SLOTS records a thread in the report file (SHARES): a kill loses nothing.
 * On failure  without room for shares the thread counts under the lock.
 *
 * Off until threads are seen to wait for each other: with one thread, or many that take turns, every
 * event is counted in order and the peak is exact. It stays on from then.
 */
#ifndef MEMTRACK_TRACK_SHARE_H
#define MEMTRACK_TRACK_SHARE_H

#include "base/self.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_SLOTS 64u /* per thread, by site; a power of two */
#define SHARE_DRIFT (32ll << 10)
#define SHARE_SEQUENCES 256u /* numbers that a thread takes at a time */

extern bool share_is_on;

/* As total_alloc, total_free, total_realloc and total_next_sequence, for the calling thread. */
void share_alloc(struct self *self, uint32_t site, size_t size);
void share_free(struct self *self, uint32_t site, size_t size, bool temporary);
void share_realloc(struct self *self, uint32_t old_site, size_t old_size, bool temporary,
                   uint32_t site, size_t size);
uint64_t share_next_sequence(struct self *self);
/* Threads wait for each other: share from now on. LOCK_TOTAL; total_look_plain_locked follows. */
void share_start(void);
/* In a forked child: nothing is shared yet. */
void share_restart(void);

#endif
