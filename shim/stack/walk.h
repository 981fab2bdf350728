/*
 * Keeps       the frames of one stack, innermost first, while it is being walked.
 * Invariant   count <= limit; cut is set if and only if there were more frames than the limit.
 * Threads     the one that walks.
 * Memory      the caller's.
 * On failure  walk_add returns false: no more frames are wanted.
 */
#ifndef MEMTRACK_STACK_WALK_H
#define MEMTRACK_STACK_WALK_H

#include <stdbool.h>
#include <stdint.h>

struct walk_frame {
    uintptr_t pc;
    uint32_t flags; /* MTF_NODE_EXACT or 0 */
};

struct walk {
    struct walk_frame *frames;
    uint32_t count;
    uint32_t limit;
    bool cut;
};

static inline bool walk_add(struct walk *walk, uintptr_t pc, uint32_t flags)
{
    if (walk->count == walk->limit) {
        walk->cut = true;
        return false;
    }
    walk->frames[walk->count++] = (struct walk_frame){pc, flags};
    return true;
}

#endif
