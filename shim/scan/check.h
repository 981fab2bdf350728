/*
 * Keeps       leak checks: takes a picture of the process, marks what is reached, and writes what is not
 *             into the report (CHECKS, LOSSES, BLOCKS).
 * Threads     one check at a time, of the thread that holds LOCK_START.
 * Memory      see scan/census.h and scan/reach.h: some 37 bytes a block and 1/240 of a dense heap, only
 *             while it runs.
 * On failure  the record in CHECKS says why (enum mtf_check_failure), and nothing is classified; the
 *             host goes on.
 */
#ifndef MEMTRACK_SCAN_CHECK_H
#define MEMTRACK_SCAN_CHECK_H

#include "memtrack/format.h"
#include "scan/threads.h"
#include <stdbool.h>

/* In the process's first thread, once libc is there. */
void check_start(void);

struct check_request {
    enum mtf_check_trigger trigger;
    mtf_name_ref label;
    bool list_blocks; /* BLOCKS, too: at the end */
};

/* Checks now. The calling thread's stack is in use from the innermost frame outwards that is neither ours
   nor libc's, so that neither's dead words hold anything; or from `sp`, if that frame cannot be found.
   *result is a copy of the record, also where the file has no room for it. */
void check_now(const struct check_request *request, uintptr_t sp, struct mtf_check *result);
/* Is a kind among those that a bit mask (1 << kind) names, and was any found? */
bool check_found(const struct mtf_check *result, uint32_t kinds);

#endif
