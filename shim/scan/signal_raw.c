#include "scan/signal_raw.h"
#include "base/sys.h"
#include "context.h" /* of the architecture */

int signal_raw_set(int number, void (*handler)(int number, siginfo_t *info, void *context),
                   struct signal_raw *before)
{
    struct signal_raw action = {.handler = handler,
                                .flags =
                                    SA_SIGINFO | SA_ONSTACK | SA_RESTART | ARCH_SIGNAL_RESTORER,
                                .restorer = arch_sigreturn,
                                .mask = UINT64_MAX};
    return (int)SYS4(SYS_rt_sigaction, number, &action, before, sizeof action.mask);
}

int signal_raw_get(int number, struct signal_raw *now)
{
    return (int)SYS4(SYS_rt_sigaction, number, 0, now, sizeof now->mask);
}

void signal_raw_restore(int number, const struct signal_raw *before)
{
    SYS4(SYS_rt_sigaction, number, before, 0, sizeof before->mask);
}

void signal_raw_pass(const struct signal_raw *before, int number, siginfo_t *info, void *context)
{
    uintptr_t handler = (uintptr_t)before->handler;
    if (handler != (uintptr_t)SIG_DFL && handler != (uintptr_t)SIG_IGN)
        before->handler(number, info, context);
}

int signal_raw_send(int tid, int number, void *value, uint32_t round)
{
    siginfo_t info = {.si_signo = number, .si_errno = (int)round, .si_code = SI_QUEUE};
    int pid = sys_getpid();
    info.si_pid = pid;
    info.si_value.sival_ptr = value;
    return (int)SYS4(SYS_rt_tgsigqueueinfo, pid, tid, number, &info);
}
