/* Which of eight words may be pointers into a range, on x86-64: by their upper halves, four at a time with SSE2, which
   every one has. */
#ifndef MEMTRACK_ARCH_WORDS_H
#define MEMTRACK_ARCH_WORDS_H

#include "pointer.h"
#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define ARCH_WORDS 8u

struct arch_words_range {
    __m128i below; /* four times the upper half of the lowest address, less one */
    __m128i above; /* of the highest, plus one */
};

static inline struct arch_words_range arch_words_range(uintptr_t low, uintptr_t high)
{
    return (struct arch_words_range){.below = _mm_set1_epi32((int)(low >> 32) - 1),
                                     .above = _mm_set1_epi32((int)(high >> 32) + 1)};
}

static inline __m128i arch_words_four(const uintptr_t *words, const struct arch_words_range *range)
{
    const __m128i mask = _mm_set1_epi32((int)(ARCH_POINTER_MASK >> 32));
    __m128i first = _mm_loadu_si128((const __m128i *)words);
    __m128i second = _mm_loadu_si128((const __m128i *)(words + 2));
    __m128i upper = _mm_castps_si128(
        _mm_shuffle_ps(_mm_castsi128_ps(first), _mm_castsi128_ps(second), _MM_SHUFFLE(3, 1, 3, 1)));
    upper = _mm_and_si128(upper, mask); /* so that signed comparisons are right */
    return _mm_and_si128(_mm_cmpgt_epi32(upper, range->below),
                         _mm_cmpgt_epi32(range->above, upper));
}

/* False: none of them does. */
static inline bool arch_words_may_point(const uintptr_t *words,
                                        const struct arch_words_range *range)
{
    __m128i found = _mm_or_si128(arch_words_four(words, range), arch_words_four(words + 4, range));
    return _mm_movemask_epi8(found) != 0;
}

#endif
