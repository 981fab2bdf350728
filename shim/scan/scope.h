/*
 * Keeps       the ends of scopes (memtrack.h): what was allocated in one and is still there, as a check of
 *             its own in the report (CHECKS, LOSSES).
 * Threads     the holder of LOCK_START.
 * Memory      4 bytes a site while it works; the file's.
 * On failure  without memory or room nothing is written; the number is right.
 */
#ifndef MEMTRACK_SCAN_SCOPE_H
#define MEMTRACK_SCAN_SCOPE_H

#include "memtrack/format.h"
#include <stdint.h>

#define SCOPE_ALL_THREADS UINT32_MAX

/* Heap blocks above a sequence number that this thread (index into THREADS), or any, allocated. */
uint64_t scope_end(mtf_name_ref label, uint64_t begin, uint32_t thread);

#endif
