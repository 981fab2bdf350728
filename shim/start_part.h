/*
 * Keeps       what the two halves of the shim's life share: start.c comes up, finish.c checks and ends.
 * Invariant   start_lock is held by whoever changes the state of the whole.
 * Threads     see each.
 * Memory      static.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_START_PART_H
#define MEMTRACK_START_PART_H

#include "base/lock.h"
#include <stdbool.h>
#include <stdint.h>

extern struct lock start_lock;         /* LOCK_START */
extern uint64_t start_own_boot_allocs; /* made by our own lookups, before a second thread */
extern bool start_is_ended;            /* LOCK_START */

/* For __cxa_atexit and __cxa_at_quick_exit. */
void start_at_exit(void *unused);
void start_at_quick_exit(void *unused);

#endif
