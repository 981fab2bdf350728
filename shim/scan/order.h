/* Sorting in place, without memory and without a bad case: heapsort (Williams 1964). */
#ifndef MEMTRACK_SCAN_ORDER_H
#define MEMTRACK_SCAN_ORDER_H

#include <stddef.h>
#include <stdint.h>

static inline void order_sift(uint64_t *numbers, size_t at, size_t count)
{
    for (size_t child = 2 * at + 1; child < count; at = child, child = 2 * at + 1) {
        if (child + 1 < count && numbers[child] < numbers[child + 1])
            child++;
        if (numbers[at] >= numbers[child])
            return;
        uint64_t number = numbers[at];
        numbers[at] = numbers[child];
        numbers[child] = number;
    }
}

static inline void order_numbers(uint64_t *numbers, size_t count)
{
    for (size_t at = count / 2; at-- > 0;)
        order_sift(numbers, at, count);
    for (size_t end = count; end-- > 1;) {
        uint64_t number = numbers[0];
        numbers[0] = numbers[end];
        numbers[end] = number;
        order_sift(numbers, 0, end);
    }
}

#endif
