/*
 * Keeps       a bar of a chart in the terminal.
 * Invariant   a bar has BAR_TEXT_WIDTH columns; it is empty for nothing alone.
 * Threads     the main thread.
 * Memory      none.
 * On failure  the stream's error indicator.
 */
#ifndef MEMTRACK_REPORT_BAR_TEXT_H
#define MEMTRACK_REPORT_BAR_TEXT_H

#include "out_text_part.h"

#define BAR_TEXT_WIDTH 24

/* Ends the line. */
void bar_text_put(struct text *text, uint64_t part, uint64_t whole);

#endif
