/*
 * Keeps       which report a running process writes: the one that it has mapped.
 * Invariant   what is found is a report, at a path that this process can open.
 * Threads     any.
 * Memory      the path is the caller's; free() it.
 * On failure  -errno and one line that names the process and the remedy.
 */
#ifndef MEMTRACK_REPORT_LIVE_FIND_H
#define MEMTRACK_REPORT_LIVE_FIND_H

#include <stddef.h>

/* Where the process is in another root (a container, a chroot), the path leads through /proc. */
int live_find(int pid, char **path, char *message, size_t message_size);

#endif
