/*
 * Keeps       the way from a call site to the functions of its stack, as all trees and exports need it.
 * Invariant   a path is never empty: an unknown call site has one word for a function, and a stack
 *             that was cut ends with one.
 * Threads     one thread.
 * Memory      one path at a time; stacks_free.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_STACKS_H
#define MEMTRACK_REPORT_STACKS_H

#include "frames.h"
#include "functions.h"
#include "snapshot.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stacks {
    const struct snapshot *snapshot;
    struct frames *frames;
    struct functions *functions;
    bool fold; /* leave out what hides the cause; see fold.h */
    /* The path at hand, innermost first, and its frames. */
    uint32_t *path;
    size_t count;
    size_t room;
    struct frame_stack stack;
};

/* Fills `path` with the functions of a call site's stack. */
int stacks_read(struct stacks *stacks, uint32_t site);
void stacks_free(struct stacks *stacks);

#endif
