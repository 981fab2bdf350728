/*
 * Keeps       the other threads still while a picture of the process is taken, without ptrace.
 * Invariant   between freeze_begin and freeze_end every thread but the caller waits in a signal handler
 *             of ours, or in the kernel with the signal still to come; it has published where its stack
 *             is in use and its registers.
 * Threads     one freeze at a time. The signal is one that glibc keeps for itself and never blocks
 *             (SIGSETXID); what glibc sends by it is passed on.
 * Memory      320 bytes a thread, until freeze_end.
 * On failure  freeze_begin gives false after FREEZE_PATIENCE_NS: nothing stands still any more.
 *
 * A system call that the signal interrupts and that the kernel does not restart by itself is started anew
 * with its arguments, so that the host sees no EINTR of ours; a relative timeout then counts from
 * the beginning.
 */
#ifndef MEMTRACK_SCAN_FREEZE_H
#define MEMTRACK_SCAN_FREEZE_H

#include "scan/threads.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define FREEZE_PATIENCE_NS 2000000000ull

struct freeze_slot;

struct freeze {
    struct freeze_slot *slots;
    uint32_t count;
    uint32_t room;
    bool all_parked; /* none waits in the kernel, with the signal still to come */
};

/* A signal that another process sent. False: it is none that we know. */
typedef bool (*freeze_other)(const siginfo_t *info, void *context);

/* Installs the handler, in the process's first thread. */
void freeze_start(freeze_other other);
/* Again: glibc sets its own when the first thread is made. Any thread. False: the kernel refused. */
bool freeze_install(void);
/* In a signal handler, with its third argument: where the interrupted thread is. */
void freeze_describe(struct stopped_thread *thread, const void *context);
/* In a signal handler, at its end: a system call that the signal interrupted and that only waits is started
   anew, if its code tells which it was. */
bool freeze_resume(void *context);

/* Is the calling thread the process's only one? False where that cannot be found out. */
bool freeze_is_alone(void);
bool freeze_begin(struct freeze *freeze);
/* Copies what the threads have published behind `threads`; how many. */
uint32_t freeze_threads(const struct freeze *freeze, struct stopped_thread *threads);
void freeze_end(struct freeze *freeze);

#endif
