/*
 * Keeps       the stacks that a thread captured lately, in a form that can be verified.
 *
 *                frames   [ free | innermost ... outermost ]   both arrays end at a fixed place, so
 *                checks   [ free | innermost ... outermost ]   a new inner part is put in front of
 *                                                              an outer part that stays where it is
 *
 * Invariant   a stack is found under its innermost frame's pc and sp; where another one of these is
 *             there already, under them and the first word in which it differs from that one, and
 *             so on. If the fp at its start is as
 *             remembered (where fp_needed) and every check's word holds its value, then unwinding
 *             would find exactly these frames. Check addresses lie in [sp, highest].
 * Threads     one memory per thread.
 * Memory      one mapping for REMEMBER_FEWEST to REMEMBER_MOST stacks of REMEMBER_STACK_BYTES on the
 *             average (16 KiB to 1 MiB), grown when stacks have to make room for others again and
 *             again; touched where it is used.
 * On failure  remember_room returns NULL: the stack is not remembered.
 */
#ifndef MEMTRACK_STACK_REMEMBER_H
#define MEMTRACK_STACK_REMEMBER_H

#include "base/compiler.h"
#include "base/self.h"
#include "memtrack/format.h"
#include "stack/probe.h"
#include "stack/rule.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REMEMBER_FEWEST 4u
#define REMEMBER_MOST 256u
#define REMEMBER_CHILDREN 128u /* for each stack */
#define REMEMBER_STACK_BYTES 4096u

struct remember_frame {
    uintptr_t pc;
    uintptr_t sp; /* behind the call: the CFA of the frame inside */
    uintptr_t fp; /* meaningful where fp_needed */
    rule_bits rule;
    uint32_t node;
    uint32_t fp_needed : 1; /* an outer CFA depends on fp as it is here */
    uint32_t checks : 31;   /* of this frame and all outside of it */
};

/* A word of the stack that decides how unwinding goes on. */
struct remember_check {
    uintptr_t address;
    uintptr_t value;
};

/* What verifying reads comes first: one cache line. */
struct remember_stack {
    uintptr_t pc; /* 0: nothing is remembered here */
    uintptr_t sp;
    uintptr_t fp;
    uintptr_t highest; /* largest address of a check */
    struct remember_check *checks_end;
    uint32_t check_count;
    bool fp_needed;
    bool complete; /* its frames may be outer frames of another stack: it was not cut */
    uint32_t sites[MTF_DOMAIN_LIMIT]; /* of the node; 0 where it was not yet asked for */
    uint32_t node;
    struct remember_frame *frames_end;
    uint32_t frame_count;
    uint32_t frame_room;
    uint32_t check_room;
};

/* A node of the trie that was met: what site_node would say. pc is 0 where there is none. */
struct remember_child {
    uintptr_t pc;
    uint32_t parent;
    uint32_t node;
};

struct remember {
    struct remember_stack *last; /* the stack captured last; NULL if none is remembered */
    uint32_t mask;               /* of stacks[] */
    uint32_t size;               /* of the mapping */
    uint32_t used;               /* bytes of the mapping */
    uint32_t pressure;           /* what had to make room, since it has this size */
    struct remember_child *children;
    struct remember_stack stacks[];
};

/*
 * The remembered stack that is the host's at `caller`, or NULL; then *place is where it belongs. The
 * words of the stack that are read are known to be readable.
 */
struct remember_stack *remember_find(struct remember *memory, const struct probe *probe,
                                     const struct host_frame *caller,
                                     struct remember_stack **place);
/* A new, empty memory; NULL if there is none. */
struct remember *remember_make(void);
/* Forgets stacks, and nodes too: pcs may mean something else from now on. */
void remember_clear(struct remember *memory);
/* A stack has to make room for one of another key. True: *memory was replaced by a larger one, and
   every pointer into it is void. */
bool remember_evict(struct remember **memory);
/*
 * Makes room in `stack` for that many frames and checks; what it held at its end stays in place as
 * far as it fits. When the mapping is full, *memory is emptied or replaced by a larger one, and
 * NULL is returned: every pointer into it is void.
 */
struct remember_stack *remember_room(struct remember **memory, struct remember_stack *stack,
                                     uint32_t frames, uint32_t checks);

uint32_t remember_site_slow(struct remember_stack *stack, enum mtf_domain domain);

/* The site of a stack in a domain. */
MT_INLINE uint32_t remember_site(struct remember_stack *stack, enum mtf_domain domain)
{
    uint32_t site = stack->sites[domain];
    return MT_LIKELY(site != 0) ? site : remember_site_slow(stack, domain);
}

MT_INLINE struct remember_stack *remember_slot(struct remember *memory, uintptr_t pc, uintptr_t sp)
{
    uint64_t hash = (pc ^ (sp << 17)) * 0x9e3779b97f4a7c15u;
    return &memory->stacks[(hash >> 40) & memory->mask];
}

MT_INLINE struct remember_child *remember_child_slot(struct remember *memory, uint32_t parent,
                                                     uintptr_t pc)
{
    uint64_t hash = (pc ^ (uint64_t)parent << 32) * 0x9e3779b97f4a7c15u;
    return &memory->children[(hash >> 40) &
                             (memory->mask * REMEMBER_CHILDREN + REMEMBER_CHILDREN - 1)];
}

/* Bits in which a checked word differs. */
MT_INLINE uintptr_t remember_differs(const struct remember_check *check)
{
    return *(const uintptr_t *)check->address ^ check->value;
}

#define REMEMBER_AT_ONCE 8

/* How many checks hold, from the index-th on; check_count if all do. */
MT_INLINE uint32_t remember_verify(const struct remember_stack *stack, uint32_t index)
{
    const struct remember_check *end = stack->checks_end, *first = end - stack->check_count;
    const struct remember_check *check = first + index;
    while (end - check >= REMEMBER_AT_ONCE) {
        uintptr_t differ = 0;
#pragma GCC unroll 8
        for (unsigned i = 0; i < REMEMBER_AT_ONCE; i++)
            differ |= remember_differs(&check[i]);
        if (MT_UNLIKELY(differ))
            break;
        check += REMEMBER_AT_ONCE;
    }
    while (check != end && remember_differs(check) == 0)
        check++;
    return (uint32_t)(check - first);
}

/* Could `stack` be the host's at `caller`, and can its words be read? */
MT_INLINE bool remember_starts(const struct remember_stack *stack, const struct probe *probe,
                               const struct host_frame *caller)
{
    return stack->pc == caller->pc && stack->sp == caller->sp &&
           (!stack->fp_needed || stack->fp == caller->fp) &&
           probe_covers(probe, stack->sp, stack->highest);
}

#endif
