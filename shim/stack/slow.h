/*
 * Keeps       the walk that is right everywhere and needs no frame pointers: libunwind, local.
 * Invariant   yields the host's frames only: it starts at the caller of the hook.
 * Threads     any; takes libunwind's own locks, with asynchronous signals blocked meanwhile. Never
 *             the loader's lock, never malloc, no descriptor, errno untouched.
 * Memory      struct slow_space, the caller's; libunwind's rule cache, one per process.
 * On failure  the walk ends early; what was found stays. Where not even the host's first frame was
 *             reached, the walk is empty.
 */
#ifndef MEMTRACK_STACK_SLOW_H
#define MEMTRACK_STACK_SLOW_H

#include "base/self.h"
#include "stack/probe.h"
#include "stack/walk.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

/* Kept off the stack: a signal handler's alternate stack may be small. */
struct slow_space {
    unw_cursor_t cursor;
    unw_context_t context;
};

/* Once, while the process has one thread. */
void slow_start(void);
/* Fills `walk` with the stack from `caller` outwards, under a module_epoch. Must be called from
   within that call. */
void slow_walk(struct slow_space *space, struct probe *probe, const struct host_frame *caller,
               uint32_t epoch, struct walk *walk);
void slow_fork_child(void);

#endif
