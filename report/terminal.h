/*
 * Keeps       what goes to a person's terminal: colours, and text that cannot do harm there.
 * Invariant   without colour no escape character is ever written.
 * Threads     any one at a time per stream.
 * Memory      none.
 * On failure  the stream's error indicator, as with stdio.
 */
#ifndef MEMTRACK_REPORT_TERMINAL_H
#define MEMTRACK_REPORT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum terminal_style {
    TERMINAL_PLAIN,
    TERMINAL_HEADING,
    TERMINAL_BAD,
    TERMINAL_GOOD,
    TERMINAL_WARNING,
    TERMINAL_FAINT,
    TERMINAL_STRONG,
};

/* The escape sequence that begins a style (TERMINAL_PLAIN ends any); "" without colour. */
const char *terminal_style(bool color, enum terminal_style style);
/* Writes bytes of unknown origin: control characters become \xNN. */
void terminal_put(FILE *out, const char *bytes, size_t length);
void terminal_put_string(FILE *out, const char *string);

#endif
