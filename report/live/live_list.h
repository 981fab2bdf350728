/*
 * Keeps       the list of call sites in the live view, and what its lines share with the rest of it.
 * Invariant   one line a call site; names from files cannot steer a terminal.
 * Threads     the main thread only.
 * Memory      a line's text, until it is put.
 * On failure  without memory a line or a name is missing.
 */
#ifndef MEMTRACK_REPORT_LIVE_LIST_H
#define MEMTRACK_REPORT_LIVE_LIST_H

#include "amount.h"
#include "live/live_screen.h"
#include "live/live_view.h"
#include <stdio.h>

/* Columns before the text of a line of totals. */
#define LIVE_LABEL 9

/* A line that is written like a file and then put on the screen. */
struct live_line {
    FILE *out;
    char *text;
    size_t size;
};

/* False: no memory. The line must stay where it is until it is put. */
bool live_line_begin(struct live_line *line);
/* Where and how as live_screen_put; ends the line. */
void live_line_put(struct live_line *line, int row, int column, int width, enum live_style style);

/* +1.2 MiB, -3 B, 0 B */
struct amount live_growth(int64_t bytes);
/* The head of the list in line `row`, and up to `room` rows below it. */
void live_list_draw(struct live_view *view, int row, int room);

#endif
