/*
 * Keeps       the ways in which a process image ends that can be seen from inside.
 * Invariant   a vfork child passes through untouched: it shares our memory with its parent.
 * Threads     any.
 * Memory      static pointers to the next definitions.
 * On failure  passes through.
 */
#ifndef MEMTRACK_HOOK_PROCESS_H
#define MEMTRACK_HOOK_PROCESS_H

/* Looks up the next definitions; before a second thread. dlsym in a forked child could deadlock. */
void process_start(void);
/* exit, once more, from one of its handlers; or _exit, without any of ours. Neither comes back. */
void process_exit_again(int status);
void process_exit_now(int status);

#endif
