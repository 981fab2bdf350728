/*
 * Keeps       the door for what makes and names threads: a count of those that were created, and their
 *             names as last given.
 * Invariant   the new thread runs the host's own function, with nothing of ours below it on its stack.
 * Threads     any.
 * Memory      static pointers to the next definitions.
 * On failure  passes through.
 */
#ifndef MEMTRACK_HOOK_PTHREAD_H
#define MEMTRACK_HOOK_PTHREAD_H

/* Looks up the next definitions, while the shim comes up. */
void pthread_start(void);

#endif
