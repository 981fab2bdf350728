#include "hook/ask.h"
#include "base/atomic.h"
#include "base/option.h"
#include "base/self.h"
#include "base/sys.h"
#include "hook/hook.h"
#include "memtrack/format.h"
#include "scan/freeze.h"
#include "scan/signal_raw.h"
#include "start.h"

#include <errno.h>
#include <signal.h>

/* A signal that waits; of several for threads that are all inside the shim, the first. */
static struct {
    int tid; /* whose it is, or 0. Whoever swaps its own number for the 0 writes the rest */
    siginfo_t info;
} ask_put_off;

static uint64_t
    ask_served; /* the request from outside that a check was begun for last, any thread */

static void ask_wait(const siginfo_t *info)
{
    struct self *self = self_mine;
    int nobody = 0;
    if (self == NULL || load_relaxed(&self->ready) == SELF_FORKED ||
        !swap_acquire(&ask_put_off.tid, &nobody, sys_gettid()))
        return;
    ask_put_off.info = *info;
    store_relaxed(&self->ready, SELF_PENDING);
}

void ask_catch_up(void)
{
    if (load_relaxed(&ask_put_off.tid) != sys_gettid())
        return;
    siginfo_t info = ask_put_off.info;
    store_release(&ask_put_off.tid, 0);
    SYS4(SYS_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), info.si_signo, &info);
}

/* Is this thread where it must not be looked at: inside the shim, or in a realloc, whose block is in no table? */
static bool ask_is_busy(void)
{
    return hook_is_nested() || (self_mine && load_relaxed(&self_mine->moving) > 0);
}

/* ---- checks ---- */

static bool ask_check(enum mtf_check_trigger trigger, const void *context)
{
    struct self *self = hook_enter();
    struct stopped_thread here = {.tid = sys_gettid()};
    if (self == NULL)
        return false;
    freeze_describe(&here, context);
    bool begun = start_check_begin(trigger, &here);
    hook_leave(self);
    return begun;
}

/* The same request may come several times, until it is seen to be served. */
static void ask_serve(uint64_t request, const void *context)
{
    if (request & MTF_ASK_COLLECT) {
        struct self *self = hook_enter();
        if (self == NULL)
            return;
        start_check_collect();
        hook_leave(self);
    } else if (load_relaxed(&ask_served) != request && ask_check(MTF_CHECK_BY_COMMAND, context)) {
        store_relaxed(&ask_served, request);
    }
}

static bool ask_from_outside(const siginfo_t *info, void *context)
{
    uint64_t request = (uintptr_t)info->si_value.sival_ptr;
    if ((request & MTF_ASK_MAGIC_MASK) != MTF_ASK_MAGIC)
        return false;
    int host_errno = errno;
    if (ask_is_busy())
        ask_wait(info);
    else
        ask_serve(request, context);
    freeze_resume(context);
    errno = host_errno;
    return true;
}

static void ask_by_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    int host_errno = errno;
    if (ask_is_busy())
        ask_wait(info);
    else
        ask_check(MTF_CHECK_BY_SIGNAL, context);
    freeze_resume(context);
    errno = host_errno;
}

/* ---- before the end ---- */

/* Raised by the instruction that it interrupts, which would raise it again. */
static bool ask_is_fault(const siginfo_t *info)
{
    return info->si_code > 0 && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS ||
                                 info->si_signo == SIGILL || info->si_signo == SIGFPE);
}

/* Delivered when the handler returns, and all signals are no longer blocked. */
static void ask_die(int number)
{
    const struct signal_raw ends = {.handler = NULL}; /* SIG_DFL */
    signal_raw_restore(number, &ends);
    SYS3(SYS_tgkill, sys_getpid(), sys_gettid(), number);
}

static void ask_before_end(int number, siginfo_t *info, void *context)
{
    struct stopped_thread here = {.tid = sys_gettid()};
    if (ask_is_busy() && !ask_is_fault(info)) {
        ask_wait(info);
        return;
    }
    freeze_describe(&here, context);
    start_end_by_signal(number, &here);
    ask_die(number);
}

/* ---- coming up ---- */

/* What a program ignores, or has a handler for, does not end it. */
static bool ask_ends(int number)
{
    struct signal_raw now;
    return signal_raw_get(number, &now) == 0 && now.handler == NULL; /* SIG_DFL */
}

void ask_start(void)
{
    freeze_start(ask_from_outside);
    for (int number = 1; number < OPTION_SIGNALS; number++) {
        if (option.signals >> number & 1)
            signal_raw_set(number, ask_by_signal, NULL);
        else if ((option.end_signals >> number & 1) && ask_ends(number))
            signal_raw_set(number, ask_before_end, NULL);
    }
}
