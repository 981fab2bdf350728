/*
 * Keeps       the stretches that the host names in its own life (PHASES), and what each call site did in
 *             each of them (PHASE_SITES).
 * Invariant   the sum over all ended phases of a site's figures is its counters at the end of the last.
 * Threads     the holder of LOCK_TOTAL.
 * Memory      the file's; private, from the first phase on: 48 bytes a site and growing with them.
 * On failure  a phase without room is not begun; a site without room is missing from a phase's figures
 *             and counted with the next.
 */
#ifndef MEMTRACK_MEASURE_PHASE_H
#define MEMTRACK_MEASURE_PHASE_H

#include "memtrack/format.h"

/* Ends the current phase and begins one of this name. */
void phase_begin(mtf_name_ref name);
/* Ends the last one, if any was ever begun; at the seal, and only then. */
void phase_finish(void);
/* In a forked child, with private tables and counters at zero: all begins anew. */
void phase_restart(void);

#endif
