/*
 * Keeps       the stack that a thread walked last, frame by frame, for the next walk to join.
 * Invariant   frames stand outermost first, and so do the checks: if the first frames[i].checks of them
 *             hold, the fp is as in frames[i] (where fp_needed) and a walk stands at frames[i]'s pc and
 *             sp, then unwinding from there would find frames[i] to frames[0].
 * Threads     one for each thread.
 * Memory      room for the longest stack, in the owner's mapping; touched as far as stacks go.
 * On failure  cannot fail.
 *
 * A call that is older than the last walk and has not returned was in that walk. So each call is walked
 * about once, however many stacks lie above it.
 */
#ifndef MEMTRACK_STACK_RECENT_H
#define MEMTRACK_STACK_RECENT_H

#include "stack/capture.h"
#include "stack/remember.h"

#define RECENT_FRAMES (CAPTURE_DEPTH_MAX + 1)

struct recent_frame {
    uintptr_t pc;
    uintptr_t sp; /* behind the call: the CFA of the frame inside */
    uintptr_t fp; /* meaningful where fp_needed */
    uint32_t node;
    uint32_t path;   /* remember_path of the node */
    uint32_t checks; /* of this frame and all outside of it */
    bool fp_needed;  /* an outer CFA depends on fp as it is here */
};

struct recent {
    uint32_t frame_count;
    uint32_t check_count;
    uintptr_t highest; /* largest address of a check */
    struct recent_frame frames[RECENT_FRAMES];
    struct remember_check checks[2 * RECENT_FRAMES];
};

MT_INLINE void recent_clear(struct recent *recent)
{
    recent->frame_count = 0;
    recent->check_count = 0;
    recent->highest = 0;
}

/* Only the outermost `count` frames stay. */
MT_INLINE void recent_cut(struct recent *recent, uint32_t count)
{
    recent->frame_count = count;
    recent->check_count = count ? recent->frames[count - 1].checks : 0;
}

/* A check of the frame that is pushed next. */
MT_INLINE void recent_check(struct recent *recent, uintptr_t address, uintptr_t value)
{
    recent->checks[recent->check_count++] = (struct remember_check){address, value};
}

#endif
