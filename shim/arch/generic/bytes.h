/* Bytes in short arrays. */
#ifndef MEMTRACK_ARCH_BYTES_H
#define MEMTRACK_ARCH_BYTES_H

#include <stdint.h>

/* Bit i is set where bytes[i] is `byte`, for the first `count` of them: 1 to 64. */
static inline uint64_t arch_match_bytes(const uint8_t *bytes, uint8_t byte, unsigned count)
{
    uint64_t match = 0;
    for (unsigned i = 0; i < count; i++)
        match |= (uint64_t)(bytes[i] == byte) << i;
    return match;
}

static inline void arch_copy_bytes(uint8_t *to, const uint8_t *from, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        to[i] = from[i];
}

#endif
