/*
 * Keeps       leak checks: takes a picture of the process, marks what is reached, and writes what is not
 *             into the report (CHECKS, LOSSES, BLOCKS).
 * Invariant   the picture is of one moment: the only thread's, or all others stand still (scan/freeze.h)
 *             until it is complete. A check that need not wait looks at a copy of the process, so that
 *             the host stands still for no longer than a fork takes.
 * Threads     one check at a time, of the thread that holds LOCK_START.
 * Memory      see scan/census.h and scan/reach.h: some 37 bytes a block and 1/240 of a dense heap, only
 *             while it runs, in the copy if there is one.
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
    bool at_end;     /* the host need not go on at once */
    bool turned_off; /* by the program: nothing is looked at */
    bool keeps_list; /* leaves BLOCKS as it is; otherwise they become the blocks of this check */
    /* The calling thread, as a signal interrupted it; NULL where none did. */
    const struct stopped_thread *interrupted;
};

/* Checks now, and waits for the result. Unless it is known where a signal interrupted it, the calling thread's stack is in use from the innermost frame
   outwards that is neither ours nor libc's, so that neither's dead words hold anything; or from `sp`, if
   that frame cannot be found. *result is a copy of the record, also where the file has no room for it. */
void check_now(const struct check_request *request, uintptr_t sp, struct mtf_check *result);
/* Begins a check in a copy of the process, for a request with `interrupted`, and lets the host go on. False:
   another one still runs. */
bool check_begin(const struct check_request *request);
/* Waits for what check_begin began, if anything. */
void check_settle(void);
/* Has it ended, if there was any? */
bool check_is_done(void);
/* In a forked child: it has no copies. */
void check_fork_child(void);
/* Is a kind among those that a bit mask (1 << kind) names, and was any found? */
bool check_found(const struct mtf_check *result, uint32_t kinds);

#endif
