/*
 * Keeps       the timeline as a table in the terminal.
 * Invariant   a row is a stretch of time; its heap is that of its end, its most the highest in all of it.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_REPORT_TIMELINE_TEXT_H
#define MEMTRACK_REPORT_TIMELINE_TEXT_H

#include "out_text_part.h"

/* Nothing where there are less than two points. */
int timeline_text_print(struct text *text);

#endif
