/* What the kernel saves of an interrupted thread on x86-64: all general registers; and below the stack
   pointer the red zone of 128 bytes, which is in use (psABI 3.2.2). */
#ifndef MEMTRACK_ARCH_CONTEXT_H
#define MEMTRACK_ARCH_CONTEXT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#define ARCH_SIGNAL_RESTORER 0x04000000ul /* SA_RESTORER */
#define ARCH_RED_ZONE 128u
#define ARCH_CONTEXT_REGISTERS 16u
#define ARCH_CALL_BYTES 7u

void arch_sigreturn(void);

static inline uintptr_t arch_context_sp(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP] - ARCH_RED_ZONE;
}

static inline uintptr_t arch_context_register(const void *context, unsigned number)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[number];
}

static inline long arch_context_result(const void *context)
{
    return (long)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
}

/* Did the thread come out of the system call with these arguments, stack pointer and pc? */
static inline bool arch_context_in_call(const void *context, const uintptr_t *arguments,
                                        uintptr_t sp, uintptr_t pc)
{
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    return (uintptr_t)registers[REG_RSP] == sp && (uintptr_t)registers[REG_RIP] == pc &&
           (uintptr_t)registers[REG_RDI] == arguments[0] &&
           (uintptr_t)registers[REG_RSI] == arguments[1] &&
           (uintptr_t)registers[REG_RDX] == arguments[2] &&
           (uintptr_t)registers[REG_R10] == arguments[3];
}

/* The number of the system call that the thread has just come out of, if the instruction before it loads
   that as a constant, as libc's do: mov $number, %eax; syscall. -1: not known. */
static inline long arch_context_call(const void *context, bool (*readable)(const void *address))
{
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)registers[REG_RIP] - ARCH_CALL_BYTES;
    if (!readable(code) || !readable(code + ARCH_CALL_BYTES - 1))
        return -1;
    bool is_call = code[0] == 0xb8 && code[5] == 0x0f && code[6] == 0x05;
    return is_call ? code[1] | code[2] << 8 : -1;
}

/* Starts it again with the same arguments, as the kernel does for those that SA_RESTART covers. */
static inline void arch_context_restart(void *context, long number)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RAX] = number;
    registers[REG_RIP] -= 2; /* the syscall instruction */
}

#endif
