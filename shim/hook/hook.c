#include "hook/hook.h"
#include "base/lock.h"
#include "base/sys.h"
#include "hook/ask.h"
#include "map/map_queue.h"
#include "memtrack/format.h"
#include "stack/capture.h"
#include "start.h"
#include "store/file.h"
#include "track/event.h"
#include "track/thread.h"

#include <errno.h>
#include <signal.h>

/* Set while this thread gets its state: a handler that interrupts that has nowhere to queue. */
static MT_TLS bool hook_attaching;

static struct self *hook_attach(bool forked)
{
    struct self *self = NULL;
    if (hook_attaching) {
        file_lost(MTF_LOST_NESTED);
        return NULL;
    }
    hook_attaching = true;
    if (!forked || start_forked())
        self = thread_attach();
    hook_attaching = false;
    return self;
}

/* What handlers left, of mappings second: event_drain lets go of the mark that something waits, and a
   handler that comes later sets it again. */
void hook_drain(struct self *self)
{
    event_drain(self);
    map_queue_drain(self);
}

static bool hook_on_signal_stack(void)
{
    stack_t stack = {.ss_flags = 0};
    return SYS2(SYS_sigaltstack, 0, &stack) == 0 && (stack.ss_flags & SS_ONSTACK);
}

/*
 * Inside already? A handler that left the shim by longjmp never came to leave it. Then the stack
 * has been unwound past the frame that entered; a nested call is always deeper, but for one on the
 * alternate signal stack.
 */
static bool hook_was_abandoned(const struct self *self)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here > self->entered_sp && !hook_on_signal_stack();
}

bool hook_is_nested(void)
{
    const struct self *self = self_mine;
    if (hook_attaching)
        return true;
    return self && load_relaxed(&self->ready) != SELF_FORKED && self_active == NULL &&
           !hook_was_abandoned(self);
}

static struct self *hook_reenter(struct self *self)
{
    if (self_active == NULL) {
        if (!hook_was_abandoned(self))
            return NULL;
        lock_abandon();
    }
    self_active = NULL;
    self->entered_sp = (uintptr_t)__builtin_frame_address(0);
    HOOK_BARRIER();
    hook_drain(self);
    return self;
}

MT_COLD struct self *hook_enter_slow(void)
{
    int host_errno = errno;
    struct self *self = self_mine;
    if (load_acquire(&start_mode) != START_ON && !start_first()) /* START-MODE */
        self = NULL;
    else if (self == NULL || load_relaxed(&self->ready) == SELF_FORKED)
        self = hook_attach(start_is_fork());
    else
        self = hook_reenter(self);
    errno = host_errno;
    return self;
}

MT_COLD void hook_leave_slow(struct self *self)
{
    if (self->ready != SELF_PENDING)
        return; /* a child forked by a handler that interrupted us: it starts at its next event */
    int host_errno = errno;
    self_active = NULL;
    HOOK_BARRIER();
    hook_drain(self);
    HOOK_BARRIER();
    self_active = self;
    ask_catch_up();
    errno = host_errno;
}

/* This thread's state if it is inside the shim, so that its nested events can wait there. */
static struct self *hook_inside(void)
{
    struct self *self = self_mine;
    if (load_acquire(&start_mode) != START_ON || self == NULL || self_active != NULL)
        return NULL;
    return self->ready == SELF_FORKED ? NULL : self;
}

/* Where the interrupted thread is in the middle of what a capture needs, the stack is lost. */
static uint32_t hook_nested_site(struct self *self, const struct host_frame *caller,
                                 enum mtf_domain domain)
{
    if (lock_critical == 0)
        return capture_site(self, caller, domain);
    file_lost(MTF_LOST_STACK);
    return 0;
}

MT_COLD struct self *hook_interrupted(const struct host_frame *caller, uint32_t *site)
{
    struct self *self = hook_inside();
    if (self == NULL || site == NULL)
        return self;
    int host_errno = errno;
    *site = hook_nested_site(self, caller, MTF_DOMAIN_MAPPINGS);
    errno = host_errno;
    return self;
}

MT_COLD void hook_missed_alloc(const void *address, size_t size, const struct host_frame *caller)
{
    struct self *self = hook_inside();
    if (self == NULL || address == NULL)
        return;
    int host_errno = errno;
    event_queue_alloc(self, address, size, hook_nested_site(self, caller, MTF_DOMAIN_HEAP));
    errno = host_errno;
}

MT_COLD void hook_missed_free(const void *address)
{
    struct self *self = hook_inside();
    if (self)
        event_queue_free(self, address);
}

MT_COLD void hook_record_failed(struct self *self, const struct host_frame *caller)
{
    int host_errno = errno;
    event_failed(capture_site(self, caller, MTF_DOMAIN_HEAP));
    errno = host_errno;
}
