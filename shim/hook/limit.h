/*
 * Keeps       a host that limits its own address space (RLIMIT_AS) from failing because of what the
 *             shim has reserved of it: the reservation shrinks first.
 * Invariant   what the tables use already stays.
 * Threads     any.
 * Memory      static pointers.
 * On failure  passes through.
 */
#ifndef MEMTRACK_HOOK_LIMIT_H
#define MEMTRACK_HOOK_LIMIT_H

/* Looks up the next definitions; before a second thread. */
void limit_start(void);

#endif
