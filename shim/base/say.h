/*
 * Keeps       the few lines that the shim says to people on the host's standard error.
 * Invariant   a line goes out only while descriptor 2 is the file that it was at the start; it
 * never blocks, never raises SIGPIPE, never touches stdio. Threads     any. Memory      the line
 * lies on the caller's stack. On failure  the line is dropped.
 */
#ifndef MEMTRACK_BASE_SAY_H
#define MEMTRACK_BASE_SAY_H

#include <stddef.h>
#include <stdint.h>

#define SAY_LINE_MAX 2048

struct say_line {
    size_t length;
    char bytes[SAY_LINE_MAX];
};

/* Remembers what descriptor 2 is. */
void say_start(void);
/* In a forked child: lets go of the descriptor. A daemon must not hold its starter's terminal. */
void say_fork_child(void);
/* Every line begins so. */
void say_begin(struct say_line *line);
void say_text(struct say_line *line, const char *text);
/* Text from outside: control characters become '?'. */
void say_quoted(struct say_line *line, const char *text, size_t length);
void say_number(struct say_line *line, uint64_t number);
/* A count and its noun, with an s unless it is one: "1 block", "2 blocks". */
void say_count(struct say_line *line, uint64_t count, const char *noun);
/* -errno as words for the errors that matter here, else as a number. */
void say_error(struct say_line *line, int negative_errno);
void say_end(struct say_line *line);
/* begin, text, end. */
void say(const char *text);

#endif
