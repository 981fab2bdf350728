/* Where nothing is known of a thread's control block: stacks of ended threads are taken for memory of the
   host, and vectors of thread-local storage are only found by what else points at them. */
#ifndef MEMTRACK_ARCH_THREAD_H
#define MEMTRACK_ARCH_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#define ARCH_THREAD_BLOCK_ALIGN 64u
#define ARCH_THREAD_BLOCK_BYTES 24u
#define ARCH_THREAD_VECTOR_SKIP 0u
#define ARCH_THREAD_BYTES 0u /* not known */
#define ARCH_THREAD_ID 0u

static inline uintptr_t arch_thread_pointer(void)
{
    return (uintptr_t)__builtin_thread_pointer();
}

static inline bool arch_is_thread_block(uintptr_t at)
{
    (void)at;
    return false;
}

static inline uintptr_t arch_thread_vector(uintptr_t pointer)
{
    (void)pointer;
    return 0;
}

#endif
