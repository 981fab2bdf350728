/*
 * Keeps       one line on stderr that says what takes so long.
 * Invariant   nothing is ever written unless stderr is a terminal and a second has passed.
 * Threads     the main thread only.
 * Memory      none.
 * On failure  nothing is shown.
 */
#ifndef MEMTRACK_REPORT_PROGRESS_H
#define MEMTRACK_REPORT_PROGRESS_H

#include <stdint.h>

/* The work begins; the second runs from here. */
void progress_start(void);
/* `done` things so far, for example "looking up names". Cheap enough for inner loops. */
void progress_step(const char *what, uint64_t done);
/* Takes the line away, before other output and at the end. */
void progress_clear(void);

#endif
