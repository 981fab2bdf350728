/*
 * Keeps       the locks of all tables together, in their order: for a copy of the process in which every
 *             table is whole.
 * Threads     the holder of LOCK_START.
 * Memory      none.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_SCAN_ALL_LOCKS_H
#define MEMTRACK_SCAN_ALL_LOCKS_H

#include <stdbool.h>

void all_locks_hold(void);
void all_locks_release(void);
/* In the copy. `whole`: all were held when it was made. */
void all_locks_reset(bool whole);

#endif
