/* No counter that can be read without a system call: the clock is asked instead. */
#ifndef MEMTRACK_ARCH_TICKS_H
#define MEMTRACK_ARCH_TICKS_H

#include <stdint.h>

#define ARCH_HAS_TICKS 0

static inline uint64_t arch_ticks(void)
{
    return 0;
}

#endif
