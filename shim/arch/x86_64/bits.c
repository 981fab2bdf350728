#include "bits.h"

#include <cpuid.h>

bool arch_has_popcount;

void arch_bits_start(void)
{
    unsigned a, b, c, d;
    /* Intel SDM, volume 2, CPUID: leaf 1, ECX bit 23. */
    arch_has_popcount = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_POPCNT);
}
