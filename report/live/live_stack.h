/*
 * Keeps       one call site in the live view: its figures in full, and its whole stack.
 * Invariant   the site is view->selected; the stack scrolls, the figures stay.
 * Threads     the main thread only.
 * Memory      none that outlives a call.
 * On failure  without memory a line is missing.
 */
#ifndef MEMTRACK_REPORT_LIVE_STACK_H
#define MEMTRACK_REPORT_LIVE_STACK_H

#include "live/live_view.h"

/* A head in line `row`, and `room` lines below it. view->scroll is kept within the stack. */
void live_stack_draw(struct live_view *view, int row, int room);

#endif
