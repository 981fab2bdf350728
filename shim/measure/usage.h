/*
 * Keeps       what is measured of some call sites beside their counters (USAGE, LIFETIMES).
 * Invariant   at most one record per site in each table; counters only grow.
 * Threads     the holder of LOCK_TOTAL.
 * Memory      the file's; for each table an index of 4 bytes a site, private, from the first record on.
 * On failure  NULL: that measure of that event is not counted.
 */
#ifndef MEMTRACK_MEASURE_USAGE_H
#define MEMTRACK_MEASURE_USAGE_H

#include "memtrack/format.h"

#include <stdint.h>

/* The site's record, made if it has none. */
struct mtf_usage *usage_of(uint32_t site);
struct mtf_lifetime *usage_lifetime_of(uint32_t site);
/* Sets every site's usable_bytes, of `count` sites; what has none there has none. */
void usage_set_usable(const uint64_t *usable, uint64_t count);
/* In a forked child, with private tables: all begins anew. */
void usage_restart(void);

#endif
