/*
 * Keeps       the way to this process's resident set size.
 * Invariant   the descriptor is high, close-on-exec, and of this process's own file.
 * Threads     resident_start: the start, and a forked child's; resident_bytes: the holder of LOCK_TOTAL.
 * Memory      one descriptor. Opened at the start, for a sandbox may forbid it later.
 * On failure  0, also after the host has closed the descriptor.
 */
#ifndef MEMTRACK_MEASURE_RESIDENT_H
#define MEMTRACK_MEASURE_RESIDENT_H

#include <stdint.h>

void resident_start(void);
uint64_t resident_bytes(void);

#endif
