/*
 * Keeps       the door between the host and the shim: every interposed function goes through it.
 * Invariant   while a thread is inside, its self_active is NULL, so that whatever it calls there,
 * and whatever a signal handler does meanwhile, is not taken for another event of its own:
 *             handlers' events are queued and applied on leaving.
 * Threads     any.
 * Memory      none.
 * On failure  hook_enter gives NULL: the host's call goes through, unrecorded; what should have
 * been recorded is then queued (hook_missed_*) or counted as lost.
 */
#ifndef MEMTRACK_HOOK_HOOK_H
#define MEMTRACK_HOOK_HOOK_H

#include "base/compiler.h"
#include "base/self.h"
#include "frame.h" /* of the architecture */

/* The host's call of the hook in which it stands: only directly in an exported function. */
#define HOOK_CALLER()                                                                              \
    {                                                                                              \
        .pc = (uintptr_t)__builtin_return_address(0), .sp = ARCH_CALLER_SP(),                      \
        .fp = ARCH_CALLER_FP()                                                                     \
    }

#define HOOK_BARRIER() __asm__ volatile("" ::: "memory")

struct self *hook_enter_slow(void);
void hook_leave_slow(struct self *self);
/* Applies what handlers queued while the thread was inside; it still is. */
void hook_drain(struct self *self);

/* Assumed: started, this thread known, nothing queued. Budget: one load of a thread-local word, one
   of its state, two stores. */
MT_INLINE struct self *hook_enter(void)
{
    struct self *self = self_active;
    if (MT_UNLIKELY(self == NULL || self->ready != SELF_READY)) {
        self = hook_enter_slow();
        if (self == NULL)
            return NULL;
    }
    self_active = NULL;
    self->entered_sp = (uintptr_t)__builtin_frame_address(0);
    HOOK_BARRIER();
    return self;
}

MT_INLINE void hook_leave(struct self *self)
{
    HOOK_BARRIER();
    self_active = self;
    HOOK_BARRIER();
    if (MT_UNLIKELY(self->ready != SELF_READY))
        hook_leave_slow(self);
}

/* Is this a signal handler that interrupted the shim on this thread, which may hold our locks? */
bool hook_is_nested(void);
/* After hook_enter gave NULL: this thread's state if it is inside the shim, so that its nested event can
   wait there; with the site of a mapping from `caller`, if that is asked for. Keeps errno. */
struct self *hook_interrupted(const struct host_frame *caller, uint32_t *site);
/* What hook_enter's NULL left unrecorded. All keep errno. */
void hook_missed_alloc(const void *address, size_t size, const struct host_frame *caller);
void hook_missed_free(const void *address);
/* The allocator refused a request: its site is counted. The thread is inside. */
void hook_record_failed(struct self *self, const struct host_frame *caller);

#endif
