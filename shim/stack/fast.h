/*
 * Keeps       the quick way to a call site: the stack is compared with those that were captured before,
 *             and only what differs is unwound, by rules that are known per return address.
 * Invariant   the result is what unwinding frame by frame would give: where the fast way cannot be
 *             sure it says FAST_UNSURE.
 * Threads     the one that owns the memory; not entered again on it.
 * Memory      struct fast: room for the longest stack twice, and one struct remember.
 * On failure  FAST_UNSURE: libunwind has to look.
 */
#ifndef MEMTRACK_STACK_FAST_H
#define MEMTRACK_STACK_FAST_H

#include "base/self.h"
#include "stack/capture.h"
#include "stack/probe.h"
#include "stack/recent.h"
#include "stack/remember.h"
#include "stack/rule.h"

#define FAST_UNSURE UINT32_MAX

/* A frame that is walked anew. */
struct fast_frame {
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;
    rule_bits rule;
    uint32_t node;
    uint32_t path;
};

struct fast {
    struct remember *memory; /* NULL: nothing is remembered */
    struct recent recent;
    struct fast_frame scratch[RECENT_FRAMES];
};

/* The site in `domain` of the stack at `caller`, 0 if the trie is full, or FAST_UNSURE. */
uint32_t fast_site(struct fast *fast, struct probe *probe, const struct host_frame *caller,
                   uint32_t epoch, enum mtf_domain domain);
/* Drops what is remembered. */
void fast_forget(struct fast *fast);

/* Assumed: this very stack was captured before by this thread, and no variant of it came first. 0 if it
   is not so. Budget: 5 ns and a quarter of a nanosecond per frame. */
MT_INLINE uint32_t fast_known(const struct fast *fast, const struct probe *probe,
                              const struct host_frame *caller, enum mtf_domain domain)
{
    if (MT_UNLIKELY(fast->memory == NULL))
        return 0;
    const struct remember_stack *stack = remember_slot(fast->memory, caller->pc, caller->sp);
    if (MT_UNLIKELY(!remember_starts(stack, probe, caller) ||
                    remember_verify(stack->checks, stack->check_count) != stack->check_count))
        return 0;
    return stack->sites[domain];
}

#endif
