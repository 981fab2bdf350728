/* Numbers as text, without libc. */
#ifndef MEMTRACK_BASE_DECIMAL_H
#define MEMTRACK_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX 20 /* digits of UINT64_MAX */

/* Writes the number's digits to the end of `digits`, without a NUL; where they begin. */
static inline const char *decimal_of(uint64_t number, char digits[DECIMAL_MAX])
{
    char *at = digits + DECIMAL_MAX;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return at;
}

#endif
