/*
 * Keeps       how numbers look to people: sizes, counts, shares, times.
 * Invariant   the same number always looks the same; the decimal point and the thousands separator
 *             do not depend on the locale.
 * Threads     any.
 * Memory      results are values; use `.text` within the expression or keep the struct.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_REPORT_AMOUNT_H
#define MEMTRACK_REPORT_AMOUNT_H

#include <stdint.h>

struct amount {
    char text[64];
};

/* 1,234,567 */
struct amount amount_count(uint64_t n);
/* 1,234 blocks; 1 block. `noun` takes an s. */
struct amount amount_noun(uint64_t n, const char *noun);
/* 1.2 MiB (1,234,567 bytes); below 1 KiB the bytes alone */
struct amount amount_bytes(uint64_t bytes);
/* 1.2 MiB, 12 B: for columns, at most 10 characters */
struct amount amount_short(uint64_t bytes);
/* 12.3 us, 1.2 ms, 3.45 s, 12 min: for columns, at most 9 characters */
struct amount amount_moment(uint64_t nanoseconds);
/* 12.3%; of nothing: 0.0% */
struct amount amount_share(uint64_t part, uint64_t whole);
/* 1.234 s, 2 min 3 s, 4 h 5 min */
struct amount amount_duration(uint64_t nanoseconds);
/* 2024-05-01 12:00:00, local time; nanoseconds since the epoch */
struct amount amount_time(int64_t nanoseconds);

#endif
