/*
 * Keeps       what is measured of some call sites beside their counters (USAGE).
 * Invariant   at most one record per site; its counters only grow.
 * Threads     the holder of LOCK_TOTAL.
 * Memory      the file's; an index of 4 bytes a site, private, from the first record on.
 * On failure  NULL: that measure of that event is not counted.
 */
#ifndef MEMTRACK_MEASURE_USAGE_H
#define MEMTRACK_MEASURE_USAGE_H

#include "memtrack/format.h"

#include <stdint.h>

/* The site's record, made if it has none. */
struct mtf_usage *usage_of(uint32_t site);
/* In a forked child, with private tables: all begins anew. */
void usage_restart(void);

#endif
