/* System calls on x86-64 Linux: number in rax, arguments in rdi rsi rdx r10 r8 r9; rcx and r11 are
   clobbered; -4095 .. -1 are -errno. Source: the x86-64 psABI, appendix A.2. */
#ifndef MEMTRACK_ARCH_SYSCALL_H
#define MEMTRACK_ARCH_SYSCALL_H

#include <sys/syscall.h>

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
