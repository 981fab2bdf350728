/* Where a signal handler returns to, as libunwind recognises it by its code. */
#ifndef MEMTRACK_ARCH_TRAMPOLINE_H
#define MEMTRACK_ARCH_TRAMPOLINE_H

#include <libunwind.h>
#include <stdbool.h>
#include <stdint.h>

/* Is the cursor, which stands at `pc`, at a signal trampoline? */
static inline bool arch_at_trampoline(unw_cursor_t *cursor, uintptr_t pc)
{
    (void)pc;
    return unw_is_signal_frame(cursor) > 0;
}

#endif
