/*
 * Keeps       what the program itself has said of its leaks, by __lsan_default_suppressions.
 * Invariant   what it covers counts as ignored on request, in every check; sums stay what they are.
 * Threads     one thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM. A text that makes no sense covers nothing.
 */
#ifndef MEMTRACK_REPORT_LEAK_KNOWN_H
#define MEMTRACK_REPORT_LEAK_KNOWN_H

#include "frames.h"
#include "snapshot.h"

/* `frames` are the snapshot's. Once, before anything is made of its checks. */
int leak_known_apply(struct snapshot *snapshot, struct frames *frames);

#endif
