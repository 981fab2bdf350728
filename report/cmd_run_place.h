/*
 * Keeps       where a run's reports go: the user's --out made into a folder that exists and a name
 *             pattern for the shim.
 * Invariant   `folder` is absolute and without links; `option` is what MEMTRACK_OPTIONS' `out`
 *             understands, escapes included.
 * Threads     the main thread.
 * Memory      fixed.
 * On failure  one line to the user, which names --out.
 */
#ifndef MEMTRACK_CMD_RUN_PLACE_H
#define MEMTRACK_CMD_RUN_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct run_place {
    char folder[PATH_MAX];
    char pattern[NAME_MAX + 1]; /* file name with %-marks */
    char option[4 * PATH_MAX];  /* folder and pattern, as a value */
};

/* `out` NULL: the current folder. Makes folders that are missing. False, after a complaint. */
bool run_place_make(struct run_place *place, const char *out);
/* Appends `value` with ':' and '\' escaped; false if it does not fit. */
bool run_place_escape(char *to, size_t size, const char *value);

#endif
