/* Bits set in a word. */
#ifndef MEMTRACK_ARCH_BITS_H
#define MEMTRACK_ARCH_BITS_H

#include <stdint.h>

static inline void arch_bits_start(void)
{
}

/* Hacker's Delight, 5-2. */
static inline unsigned arch_popcount(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555ull;
    x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(x * 0x0101010101010101ull >> 56);
}

#endif
