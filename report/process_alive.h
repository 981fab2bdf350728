/*
 * Keeps       whether the process that writes a report is still there.
 * Invariant   a pid that was given to another process since does not count: the start time tells.
 * Threads     any.
 * Memory      none.
 * On failure  what cannot be asked is not alive.
 */
#ifndef MEMTRACK_REPORT_PROCESS_ALIVE_H
#define MEMTRACK_REPORT_PROCESS_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

/* `start` in clock ticks since boot, as mtf_header.pid_start. A zombie is not alive. */
bool process_alive(int pid, uint64_t start);

#endif
