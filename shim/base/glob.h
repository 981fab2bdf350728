/*
 * Keeps       patterns for names: `*` for any characters, `?` for one, the whole name.
 * Invariant   time is at most the product of both lengths, whatever the pattern.
 * Threads     any; legal in a signal handler.
 * Memory      none.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_BASE_GLOB_H
#define MEMTRACK_BASE_GLOB_H

#include <stdbool.h>

/* Does one of the patterns, which have commas between them, fit the name? */
bool glob_fits_any(const char *patterns, const char *name);

#endif
