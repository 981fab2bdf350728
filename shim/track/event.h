/*
 * Keeps       what an event does to the books: the live table first, then the counters.
 * Invariant   a block is in the live table exactly while its site counts it as live.
 * Threads     any, with its self, inside the shim, no lock held. Signal handlers that interrupt the
 *             shim queue their events (event_queue_*); event_drain applies them.
 * Memory      the live table's.
 * On failure  the event is dropped and counted (MTF_LOST_LIVE, MTF_LOST_NESTED).
 */
#ifndef MEMTRACK_TRACK_EVENT_H
#define MEMTRACK_TRACK_EVENT_H

#include "base/self.h"
#include "track/live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks up to this sequence number are from before the fork that made this process; 0 if none. */
extern uint64_t event_inherited;

/* The allocator gave `address`, after the fact. */
void event_alloc(struct self *self, const void *address, size_t size, uint32_t site);
/* With an alignment that the host asked for. */
void event_aligned(uint32_t site, size_t alignment);
/* The allocator refused. */
void event_failed(uint32_t site);
/* `address` is about to be freed, before the fact. */
void event_free(struct self *self, const void *address);

/* realloc, before the fact: takes the old block out, so that its address can be given to another
   thread meanwhile. False: it was not known. */
bool event_realloc_begin(const void *address, struct live_block *old);
/* The block is `moved` now (perhaps the same address), of `size` bytes. `old` NULL: was unknown. */
void event_realloc_done(struct self *self, const struct live_block *old, const void *moved,
                        size_t size, uint32_t site);
/* And it is not where it was. */
void event_moved(const struct live_block *old, size_t size, uint32_t site);
/* It was freed (size 0). */
void event_realloc_freed(struct self *self, const struct live_block *old);
/* It failed: the old block stands as before. */
void event_realloc_failed(const void *address, const struct live_block *old, uint32_t site);

/* Every number that this thread gives from now on is higher, and every one that it gave is not. */
uint64_t event_mark(struct self *self);

/* From a signal handler that interrupted the shim on this thread. */
void event_queue_alloc(struct self *self, const void *address, size_t size, uint32_t site);
void event_queue_free(struct self *self, const void *address);
/* Applies what was queued, in order; the thread is inside the shim. */
void event_drain(struct self *self);

#endif
