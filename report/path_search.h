/*
 * Keeps       the way from a command's name to the file that execvp would run.
 * Invariant   what is found is a regular file that this user may execute.
 * Threads     any that does not change the environment.
 * Memory      the caller's.
 * On failure  -ENOENT (127 for a shell), -EACCES (126), -ENAMETOOLONG and the like.
 */
#ifndef MEMTRACK_PATH_SEARCH_H
#define MEMTRACK_PATH_SEARCH_H

#include <limits.h>

/* 0 or -errno. */
int path_search(const char *name, char path[PATH_MAX]);

#endif
