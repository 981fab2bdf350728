/*
 * Keeps       where a command writes what is not for the terminal: a named file, or standard output.
 * Invariant   a file is complete under its name, or as it was before: it is written beside its name
 *             and renamed. A report file is never overwritten.
 * Threads     one thread.
 * Memory      the names, until output_close.
 * On failure  -errno, and the complaint is printed.
 */
#ifndef MEMTRACK_REPORT_OUTPUT_H
#define MEMTRACK_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
    FILE *stream;
    const char *path; /* NULL: standard output */
    char *beside;     /* NULL: written in place, as `path` is no regular file */
};

/* `path` NULL or "-" is standard output. */
int output_open(struct output *output, const char *path);
/* Puts the file in its place, or takes it away where `good` is false. */
int output_close(struct output *output, bool good);
/* Is there a report at this path? */
bool output_is_report(const char *path);

#endif
