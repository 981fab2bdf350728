/* Bytes in short arrays, 16 at a time (SSE2, which all x86-64 has). Arrays begin at a multiple of 16 and
   have room for 16, 32 or 64. */
#ifndef MEMTRACK_ARCH_BYTES_H
#define MEMTRACK_ARCH_BYTES_H

#include <emmintrin.h>
#include <stdint.h>

static inline uint64_t arch_match_16(const uint8_t *bytes, __m128i wanted)
{
    __m128i found = _mm_cmpeq_epi8(_mm_load_si128((const __m128i *)bytes), wanted);
    return (uint64_t)(unsigned)_mm_movemask_epi8(found);
}

/* Bit i is set where bytes[i] is `byte`, for the first `count` of them (1 to 64), and perhaps for some
   behind those. */
static inline uint64_t arch_match_bytes(const uint8_t *bytes, uint8_t byte, unsigned count)
{
    __m128i wanted = _mm_set1_epi8((char)byte);
    uint64_t match = arch_match_16(bytes, wanted);
    if (count > 16)
        match |= arch_match_16(bytes + 16, wanted) << 16;
    if (count > 32)
        match |= arch_match_16(bytes + 32, wanted) << 32 | arch_match_16(bytes + 48, wanted) << 48;
    return match;
}

/* The first `count` bytes, and perhaps some behind those, in stores of 16: a load of 16 that comes soon
   after finds such a store before it has left the store buffer. */
static inline void arch_copy_bytes(uint8_t *to, const uint8_t *from, unsigned count)
{
    for (unsigned i = 0; i < count; i += 16)
        _mm_store_si128((__m128i *)(to + i), _mm_load_si128((const __m128i *)(from + i)));
}

#endif
