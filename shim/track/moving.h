/*
 * Keeps       which threads are inside the allocator's realloc, or mremap: their block is in no table, and what it holds
 *             would be taken for lost.
 * Invariant   while the gate is shut nobody begins, so that those who have begun become none.
 * Threads     moving_begin and moving_end: the thread itself, inside the shim. moving_any: the holder of
 *             LOCK_SELF, while all others stand still, or to wait. The gate: the one that checks for leaks.
 * Memory      a word a thread.
 * On failure  a thread waits at the gate for MOVING_PATIENCE_NS at most, and goes on.
 */
#ifndef MEMTRACK_TRACK_MOVING_H
#define MEMTRACK_TRACK_MOVING_H

#include "base/atomic.h"
#include "base/self.h"
#include <stdbool.h>

#define MOVING_PATIENCE_NS 1000000000ull

extern uint32_t moving_gate; /* 1: shut */

void moving_wait(void);

MT_INLINE void moving_begin(struct self *self)
{
    if (MT_UNLIKELY(load_relaxed(&moving_gate)))
        moving_wait();
    store_relaxed(&self->moving, self->moving + 1);
}

/* A forked child of a handler begins at nothing. */
MT_INLINE void moving_end(struct self *self)
{
    if (MT_LIKELY(self->moving > 0))
        store_relaxed(&self->moving, self->moving - 1);
}

void moving_shut(void);
void moving_open(void);

#endif
