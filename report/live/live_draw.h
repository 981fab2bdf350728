/*
 * Keeps       how the live view looks: totals above, then the rows of call sites, one stack, or the keys.
 * Invariant   a picture is drawn from the view alone and fits any size of terminal.
 * Threads     the main thread only.
 * Memory      none that outlives a call.
 * On failure  without memory a line or a name is missing.
 */
#ifndef MEMTRACK_REPORT_LIVE_DRAW_H
#define MEMTRACK_REPORT_LIVE_DRAW_H

#include "live/live_view.h"

/* Draws it all. The view's first row and scroll are moved to where the cursor can be seen. */
void live_draw(struct live_view *view);
/* Rows of a list or a stack that fit on the screen, at least 1. */
int live_draw_room(void);

#endif
