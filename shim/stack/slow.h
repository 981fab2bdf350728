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
/* Registers of a frame that a leak check scans: those that callees keep. */
#define SLOW_REGISTERS 16u
struct slow_frame {
    uintptr_t sp;
    uint32_t count;
    uintptr_t registers[SLOW_REGISTERS];
};
/* The innermost frame of the calling thread whose pc is not `inside`. False: the stack ended before, or
   could not be followed. */
bool slow_outside(struct slow_space *space, bool (*inside)(uintptr_t pc), struct slow_frame *frame);
void slow_fork_child(void);

#endif
