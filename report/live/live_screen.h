/*
 * Keeps       the terminal of the live view: ncurses, and nothing of what is shown.
 * Invariant   between open and close the terminal is ours; after close, or after a signal that ends us,
 *             it is as it was. Text is cut at the width it is given, and cannot steer the terminal.
 * Threads     the main thread only.
 * Memory      ncurses' own, until live_screen_close.
 * On failure  live_screen_open says in one line what is wrong with the terminal.
 */
#ifndef MEMTRACK_REPORT_LIVE_SCREEN_H
#define MEMTRACK_REPORT_LIVE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum live_style {
    LIVE_PLAIN,
    LIVE_STRONG,
    LIVE_FAINT,
    LIVE_GOOD,
    LIVE_BAD,
    LIVE_TITLE,    /* a bar */
    LIVE_SELECTED, /* the row under the cursor */
    LIVE_STYLE_LIMIT,
};

/* What live_screen_key returns besides characters. */
enum live_input {
    LIVE_INPUT_NONE = 0,    /* time is up */
    LIVE_INPUT_CLOSED = -1, /* the terminal is gone, or a signal asks us to end */
    LIVE_INPUT_RESIZED = 0x1000,
    LIVE_INPUT_UP,
    LIVE_INPUT_DOWN,
    LIVE_INPUT_PAGE_UP,
    LIVE_INPUT_PAGE_DOWN,
    LIVE_INPUT_FIRST,
    LIVE_INPUT_LAST,
    LIVE_INPUT_OPEN, /* Enter */
    LIVE_INPUT_BACK, /* Escape, Backspace */
};

/* Returns 0 or -errno. */
int live_screen_open(bool color, char *message, size_t message_size);
void live_screen_close(void);
int live_screen_rows(void);
int live_screen_columns(void);
/* A picture is begun, filled and shown; what is not filled is blank. */
void live_screen_begin(void);
void live_screen_show(void);
/* `width` 0: up to the right edge. Bars and the selected row are filled to their width. */
void live_screen_put(int row, int column, int width, enum live_style style, const char *text);
/* Waits for a key for at most so many milliseconds. */
int live_screen_key(int milliseconds);

#endif
