/*
 * Keeps       events of mappings by signal handlers that interrupted the shim on their own thread, until
 *             the shim is left.
 * Invariant   they are applied in the order in which they happened; what unmaps reaches only mappings
 *             that were there at the time.
 * Threads     map_queue_*: handlers, on the thread that owns `self`, any number on top of each other; no
 *             lock. map_queue_drain: that thread, inside the shim.
 * Memory      one page a thread, from its first such event.
 * On failure  the event is lost and counted (MTF_LOST_NESTED).
 */
#ifndef MEMTRACK_MAP_QUEUE_H
#define MEMTRACK_MAP_QUEUE_H

#include "base/self.h"
#include "map/map.h"

/* [start, start + length) was mapped. */
void map_queue_insert(struct self *self, uintptr_t start, size_t length, uint64_t offset,
                      const struct map_origin *origin);
/* It was unmapped. */
void map_queue_remove(struct self *self, uintptr_t start, size_t length);
/* The segment that was attached at `start` was detached. */
void map_queue_detach(struct self *self, uintptr_t start);
/* mremap moved [old, old + old_length), which `stays` as it was or not. */
void map_queue_move(struct self *self, uintptr_t old, size_t old_length, uintptr_t start,
                    size_t length, uint32_t site, bool stays);
void map_queue_drain(struct self *self);

#endif
