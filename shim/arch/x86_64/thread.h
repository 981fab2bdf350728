/*
 * A thread's control block on x86-64 (psABI and glibc's sysdeps/x86_64/nptl/tls.h): the thread pointer is
 * in %fs, and the block begins there:
 *     0  its own address
 *     8  the vector of thread-local storage, at its second element of 16 bytes
 *    16  its own address again
 */
#ifndef MEMTRACK_ARCH_THREAD_H
#define MEMTRACK_ARCH_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#define ARCH_THREAD_BLOCK_ALIGN 64u /* TCB_ALIGNMENT */
#define ARCH_THREAD_BLOCK_BYTES 24u /* of it, those above */
#define ARCH_THREAD_VECTOR_SKIP 16u

/* glibc's struct pthread (nptl/descr.h) from there on: at least so large; and its thread's id, which is 0 when the
   thread has ended, and -1 when it was joined. So since 2.4 (2006). */
#define ARCH_THREAD_BYTES 2048u
#define ARCH_THREAD_ID 720u

static inline uintptr_t arch_thread_pointer(void)
{
    uintptr_t pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

/* Does it look like a control block? Readable for ARCH_THREAD_BLOCK_BYTES. */
static inline bool arch_is_thread_block(uintptr_t at)
{
    const uintptr_t *words = (const uintptr_t *)at;
    return words[0] == at && words[2] == at;
}

static inline uintptr_t arch_thread_vector(uintptr_t pointer)
{
    return ((const uintptr_t *)pointer)[1];
}

#endif
