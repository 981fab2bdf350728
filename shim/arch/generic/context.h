/* Where nothing is known of what the kernel saves: it lies on the stack, above the handler's frame. */
#ifndef MEMTRACK_ARCH_CONTEXT_H
#define MEMTRACK_ARCH_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#define ARCH_SIGNAL_RESTORER 0ul
#define ARCH_RED_ZONE 0u
#define ARCH_CONTEXT_REGISTERS 0u

static inline void arch_sigreturn(void)
{
}

static inline uintptr_t arch_context_sp(const void *context)
{
    return (uintptr_t)context;
}

static inline uintptr_t arch_context_register(const void *context, unsigned number)
{
    (void)context;
    (void)number;
    return 0;
}

static inline long arch_context_result(const void *context)
{
    (void)context;
    return 0;
}

static inline bool arch_context_in_call(const void *context, const uintptr_t *arguments,
                                        uintptr_t sp, uintptr_t pc)
{
    (void)context, (void)arguments, (void)sp, (void)pc;
    return false;
}

static inline long arch_context_call(const void *context, bool (*readable)(const void *address))
{
    (void)context, (void)readable;
    return -1;
}

static inline void arch_context_restart(void *context, long number)
{
    (void)context, (void)number;
}

#endif
