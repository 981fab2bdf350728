/*
 * Keeps       coming up and going down: the order in which the layers start and end.
 * Invariant   mode goes COLD, STARTING, ON; OFF from any, for good. Before the constructor the
 * books are kept in private memory; it moves them into the report file. Threads     start_first:
 * any, the others wait; start_end: any, the first one counts. Memory      none of its own. On
 * failure  mode OFF: every hook passes through. No report file: one line, and the books stay in
 *             private memory.
 */
#ifndef MEMTRACK_START_H
#define MEMTRACK_START_H

#include "memtrack/format.h"
#include "scan/threads.h"
#include <stdbool.h>

enum start_mode {
    START_COLD,
    START_STARTING,
    START_ON,
    START_OFF,
};

extern enum start_mode start_mode; /* tag START-MODE */

/* Comes up, from the first call of any hook. False: off, or called back while coming up. */
bool start_first(void);
/* In a forked child, at its first event: a report of its own. False: off. */
bool start_forked(void);
/* Is this a forked child that had no event yet? */
bool start_is_fork(void);
/* May this process image end its report here? Not in a vfork child, nor before an event of a forked
   one. */
bool start_owns_report(void);
/* Ends the report. `status` is meaningful where `known`. Later calls do nothing. The exit code that the
   process must have for its leaks; 0: its own. */
int start_end(enum mtf_end kind, bool known, int status);
/* Checks for leaks now, on behalf of the host, which goes on. `label`: what the host calls it, or NULL.
   False: nothing can be checked, or the options forbid it. */
bool start_check(enum mtf_check_trigger trigger, const char *label, struct mtf_check *result);
/* The same, once, for good: the end makes no check of its own. Called outside of the shim. The exit code that the
   process must end with at once; 0: it goes on. */
int start_check_for_good(const char *label);
/* Begins a check that the host does not wait for, in a signal handler that interrupted this thread there.
   False: not now, as another one runs or the shim comes up or ends. */
bool start_check_begin(enum mtf_check_trigger trigger, const struct stopped_thread *interrupted);
/* What such a check left behind can go, if it is over. */
void start_check_collect(void);
/* Ends the report in the handler of a signal that ends the process. */
void start_end_by_signal(int number, const struct stopped_thread *interrupted);
/* The end of a scope: see scan/scope.h. */
uint64_t start_scope_end(const char *label, uint64_t begin, uint32_t thread);
/* exec or abort is about to happen, and may yet come back: start_return then goes on. */
void start_leave(enum mtf_end kind);
void start_return(void);

#endif
