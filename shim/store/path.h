/*
 * Keeps       the name of the report file: the user's pattern made into an absolute path.
 * Invariant   the result is absolute, NUL-terminated and shorter than FILE_PATH_MAX.
 * Threads     the start and a forked child's start, one at a time.
 * Memory      the caller's.
 * On failure  -ENAMETOOLONG, or what the kernel said of the folder.
 */
#ifndef MEMTRACK_STORE_PATH_H
#define MEMTRACK_STORE_PATH_H

#include <stddef.h>

#define PATH_MAX_BYTES 4096

/* What the %-marks stand for. */
struct path_facts {
    const char *program; /* %e */
    int pid;             /* %p */
    long long time_s;    /* %t, seconds since 1970 */
    const char *host;    /* %h */
    const char *folder;  /* what a relative pattern is relative to */
};

/*
 * Expands `pattern` (empty: the default name). An existing folder, or a pattern that ends in '/',
 * gets the default name inside it. `attempt` above 0 makes another name for when the one before
 * exists: the pid, where the pattern had none, then a number, before the suffix. 0 or -errno.
 */
int path_make(char path[PATH_MAX_BYTES], const char *pattern, const struct path_facts *facts,
              unsigned attempt);

#endif
