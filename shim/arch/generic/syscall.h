/* System calls through libc's syscall(), with the host's errno kept. */
#ifndef MEMTRACK_ARCH_SYSCALL_H
#define MEMTRACK_ARCH_SYSCALL_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    int host_errno = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1)
        result = -errno;
    errno = host_errno;
    return result;
}

#endif
