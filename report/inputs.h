/*
 * Keeps       the report files that a command line names: files as they are, folders as what is in
 *             them.
 * Invariant   a folder's files come in the order of their names; only names that end in MTF_SUFFIX.
 * Threads     the main thread only.
 * Memory      the paths, until inputs_free.
 * On failure  -errno and one line that names the input and the remedy; what was there before stays.
 */
#ifndef MEMTRACK_REPORT_INPUTS_H
#define MEMTRACK_REPORT_INPUTS_H

#include <stddef.h>

struct inputs {
    char **paths;
    size_t count;
    size_t room;
};

int inputs_add(struct inputs *inputs, const char *path, char *message, size_t message_size);
void inputs_free(struct inputs *inputs);

#endif
