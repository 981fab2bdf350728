/*
 * A counter that runs at a constant rate and costs no system call. Not to be read where the host has
 * forbidden it (prctl PR_SET_TSC).
 */
#ifndef MEMTRACK_ARCH_TICKS_H
#define MEMTRACK_ARCH_TICKS_H

#include <stdint.h>

#define ARCH_HAS_TICKS 1

static inline uint64_t arch_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#endif
