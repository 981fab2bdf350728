/*
 * Keeps       the verdict on one process, in a few lines: what is lost or still allocated, how the
 *             process ended, its peak and totals. No symbols are looked up.
 * Invariant   losses come before figures; every number of bytes is there exactly, too.
 * Threads     any one at a time per stream.
 * Memory      none that outlives the call.
 * On failure  -EIO if the stream took an error, otherwise 0.
 */
#ifndef MEMTRACK_REPORT_SUMMARY_H
#define MEMTRACK_REPORT_SUMMARY_H

#include "snapshot.h"
#include <stdbool.h>
#include <stdio.h>

int summary_print(FILE *out, const struct snapshot *snapshot, bool color);
/* How the process ended, or that it runs: half a line. */
void summary_state(FILE *out, const struct snapshot *snapshot);
/* The program's name, or the process's number where it is not known. */
void summary_name(FILE *out, const struct snapshot *snapshot);

#endif
