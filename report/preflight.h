/*
 * Keeps       the check, before a program is run, whether it can be tracked at all.
 * Invariant   a program that is not refused is one that the dynamic linker will give the shim to,
 *             as far as its file, its interpreters' files and this process can tell.
 * Threads     any that does not change the environment.
 * Memory      the caller's.
 * On failure  what cannot be read is not judged; a warning says so.
 */
#ifndef MEMTRACK_PREFLIGHT_H
#define MEMTRACK_PREFLIGHT_H

#include <limits.h>

#define PREFLIGHT_WARNING_MAX 4
#define PREFLIGHT_LINE_MAX (PATH_MAX + 512)

struct preflight {
    char refusal[PREFLIGHT_LINE_MAX]; /* why it cannot work, one line; "": it can */
    char warnings[PREFLIGHT_WARNING_MAX][PREFLIGHT_LINE_MAX];
    int warning_count;
};

/* `path` is the file that will be run, `shim` the library that is to be preloaded. */
void preflight_check(struct preflight *preflight, const char *path, const char *shim);

#endif
