/*
 * Keeps       the table of phases in the terminal.
 * Invariant   as phase_group.h.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_PHASE_TEXT_H
#define MEMTRACK_REPORT_PHASE_TEXT_H

#include "out_text_part.h"

/* Nothing where the program named none. */
int phase_text_print(struct text *text);

#endif
