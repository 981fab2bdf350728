/*
 * Keeps       asynchronous signals away from short stretches of code that a handler on the same
 *             thread must not meet half done. Faults stay deliverable: they cannot wait.
 * Invariant   every signals_block is followed by one signals_restore with the same mask.
 * Threads     any; acts on the calling thread.
 * Memory      the caller's.
 * On failure  where a sandbox forbids the call, signals stay as they were.
 */
#ifndef MEMTRACK_STACK_SIGNALS_H
#define MEMTRACK_STACK_SIGNALS_H

#include "base/sys.h"
#include <signal.h>
#include <stdbool.h>

#define SIGNALS_WORDS ((size_t)_NSIG / 8 / sizeof(unsigned long)) /* of the kernel's set */

struct signals {
    unsigned long words[SIGNALS_WORDS];
    bool blocked;
};

static inline void signals_block(struct signals *saved)
{
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    const unsigned bits = 8 * sizeof(unsigned long);
    unsigned long all[SIGNALS_WORDS];
    for (size_t i = 0; i < SIGNALS_WORDS; i++)
        all[i] = ~0ul;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        all[(unsigned)(faults[i] - 1) / bits] &= ~(1ul << ((unsigned)(faults[i] - 1) % bits));
    saved->blocked =
        SYS4(SYS_rt_sigprocmask, SIG_SETMASK, all, saved->words, sizeof(saved->words)) == 0;
}

static inline void signals_restore(const struct signals *saved)
{
    if (saved->blocked)
        SYS4(SYS_rt_sigprocmask, SIG_SETMASK, saved->words, 0, sizeof(saved->words));
}

#endif
