/*
 * Keeps       stacks that a thread captures again and again, in a form that can be verified, and nodes of
 *             the trie that it met lately.
 * Invariant   a stack is found under its innermost frame's pc and sp; where another one of these is
 *             there already, under them and the first word in which it differs from that one, and
 *             so on. If the fp at its start is as remembered (where fp_needed) and every check's word
 *             holds its value, then unwinding would find exactly this stack. Check addresses lie in
 *             [sp, highest].
 * Threads     one memory per thread.
 * Memory      one mapping for REMEMBER_FEWEST to REMEMBER_MOST stacks of REMEMBER_STACK_BYTES on the
 *             average (16 KiB to 4 MiB, but above 256 KiB at most 1/32 of the host's heap), grown when
 *             stacks have to make room for others again and again; touched where it is used.
 * On failure  a stack is not remembered.
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

#define REMEMBER_FEWEST 16u
#define REMEMBER_MOST 4096u
#define REMEMBER_CHILDREN 32u /* for each stack */
#define REMEMBER_STACK_BYTES 1024u

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
    uintptr_t highest;             /* largest address of a check */
    struct remember_check *checks; /* innermost first */
    uint32_t check_count;
    uint32_t check_room;
    bool fp_needed; /* the outer CFAs depend on fp as it is at the start */
    uint32_t node;
    uint32_t sites[MTF_DOMAIN_LIMIT]; /* of the node; 0 where it was not yet asked for */
    uint32_t
        candidate; /* node of the last stack that was not remembered because this one is here */
};

/* A node of the trie that was met: what rule_node would say. pc is 0 where there is none. */
struct remember_child {
    uintptr_t pc;
    uint32_t parent;
    uint32_t node;
};

struct remember {
    uint32_t mask;     /* of stacks[] */
    uint32_t size;     /* of the mapping */
    uint32_t used;     /* bytes of the mapping */
    uint32_t pressure; /* what had to make room, since it has this size */
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
/*
 * Remembers the stack that remember_find did not find, at the place that it gave; the checks stand
 * outermost first in `checks`. One that is there already goes only when the same stack is not found
 * twice in a row: stacks that never come again leave what does in peace. *memory may be emptied or
 * replaced by a larger one: every pointer into it is void.
 */
void remember_store(struct remember **memory, struct remember_stack *place,
                    const struct remember_stack *stack, const struct remember_check *checks);

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

/* A hash of a frame and of all outside of it, 0 for none: where a node is kept is known before its parent
   is, so that several can come from memory at the same time. */
MT_INLINE uint32_t remember_path(uint32_t outside, uintptr_t pc)
{
    return (uint32_t)((pc ^ outside * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu >> 32);
}

MT_INLINE struct remember_child *remember_child_slot(struct remember *memory, uint32_t path)
{
    return &memory->children[path & (memory->mask * REMEMBER_CHILDREN + REMEMBER_CHILDREN - 1)];
}

/* Bits in which a checked word differs. */
MT_INLINE uintptr_t remember_differs(const struct remember_check *check)
{
    return *(const uintptr_t *)check->address ^ check->value;
}

/* How many checks hold before one does not; `count` if all do. */
MT_INLINE uint32_t remember_verify(const struct remember_check *checks, uint32_t count)
{
    const struct remember_check *check = checks, *end = checks + count;
    for (; end - check >= 8; check += 8) {
        uintptr_t differ = 0;
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; i++)
            differ |= remember_differs(&check[i]);
        if (MT_UNLIKELY(differ))
            break;
    }
    while (check != end && remember_differs(check) == 0)
        check++;
    return (uint32_t)(check - checks);
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
