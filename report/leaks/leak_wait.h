/*
 * Keeps       the wait for a leak check that a running process was asked for.
 * Invariant   the check that is given back was begun after the request.
 * Threads     one thread.
 * Memory      the snapshot is the caller's: snapshot_free.
 * On failure  -errno, and one line that names the process and the remedy; there is no snapshot.
 */
#ifndef MEMTRACK_REPORT_LEAK_WAIT_H
#define MEMTRACK_REPORT_LEAK_WAIT_H

#include "snapshot.h"

struct leak_wait {
    struct snapshot *snapshot; /* read once the check was over */
    const struct snapshot_check *check;
};

/* Asks the process, and waits for at most `patience_s` seconds. */
int leak_wait(struct leak_wait *wait, int pid, const char *path, unsigned patience_s, char *message,
              size_t message_size);

#endif
