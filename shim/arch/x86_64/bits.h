/* Bits set in a word: by the instruction where the processor has it (all since 2008; the baseline of
   x86-64 does not promise it), which costs a quarter of the arithmetic. */
#ifndef MEMTRACK_ARCH_BITS_H
#define MEMTRACK_ARCH_BITS_H

#include <stdbool.h>
#include <stdint.h>

extern bool arch_has_popcount; /* written by arch_bits_start */

/* Once, before a second thread. */
void arch_bits_start(void);

static inline unsigned arch_popcount(uint64_t x)
{
    if (__builtin_expect(arch_has_popcount, 1)) {
        uint64_t count;
        __asm__("popcnt %1, %0" : "=r"(count) : "r"(x) : "cc");
        return (unsigned)count;
    }
    /* Hacker's Delight, 5-2. */
    x -= x >> 1 & 0x5555555555555555ull;
    x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(x * 0x0101010101010101ull >> 56);
}

#endif
