/*
 * Keeps       what libunwind links instead of libc. scripts/libunwind renames each libc function
 *             that libunwind names to slow_host_NAME: as it is, it would open descriptors, take the
 *             loader's lock, register thread-specific data and touch errno inside the host.
 * Invariant   nothing here reaches libc; memory comes from the kernel, modules from module.h.
 * Threads     any. libunwind's locks are held only between slow_walk's signals_block and its
 *             signals_restore, so that a handler never meets one that its own thread holds.
 * Memory      libunwind's own pools, by mmap; it frees what its caches outgrow.
 * On failure  as the libc function would.
 */
#ifndef MEMTRACK_STACK_SLOW_HOST_H
#define MEMTRACK_STACK_SLOW_HOST_H

#include <stdint.h>

/* Tells which pc the calling thread is about to ask libunwind about. */
void slow_host_about(uintptr_t pc);
/* In a forked child: frees the locks that threads of the parent held. */
void slow_host_fork_child(void);

#endif
