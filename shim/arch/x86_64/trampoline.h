/*
 * Where a signal handler returns to: mov $__NR_rt_sigreturn, %rax (glibc) or %eax (musl); syscall.
 * libunwind 1.6 tells only afterwards, at the interrupted frame, that it has passed one.
 */
#ifndef MEMTRACK_ARCH_TRAMPOLINE_H
#define MEMTRACK_ARCH_TRAMPOLINE_H

#include <libunwind.h>
#include <stdbool.h>
#include <stdint.h>

/* Byte by byte: a return address at the end of a segment has nothing behind it. */
static inline bool arch_code_is(const uint8_t *code, const uint8_t *wanted, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        if (code[i] != wanted[i])
            return false;
    return true;
}

/* Is the cursor, which stands at `pc`, at a signal trampoline? The code there must be readable. */
static inline bool arch_at_trampoline(unw_cursor_t *cursor, uintptr_t pc)
{
    static const uint8_t wide[9] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    static const uint8_t narrow[7] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
    const uint8_t *code = (const uint8_t *)pc;
    (void)cursor;
    return arch_code_is(code, wide, sizeof(wide)) || arch_code_is(code, narrow, sizeof(narrow));
}

#endif
