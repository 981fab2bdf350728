/*
 * Keeps       what glibc keeps in memory that it got itself, as far as a leak check must tell it from the
 *             host's: heaps of its malloc, stacks of ended threads, vectors of thread-local storage.
 * Invariant   knows glibc by what has been the same since 2.3 (2003): flags of a chunk, size and
 *             alignment of an arena's heap, the first words of a thread's control block (tls.h).
 * Threads     the one that checks for leaks, while nothing changes.
 * Memory      none of its own.
 * On failure  what is not recognised is taken for the host's, and scanned.
 */
#ifndef MEMTRACK_SCAN_LIBC_MEMORY_H
#define MEMTRACK_SCAN_LIBC_MEMORY_H

#include "scan/census.h"
#include "scan/pages.h"
#include "scan/ranges.h"
#include "scan/space.h"
#include "scan/threads.h"

/* In the process's first thread. */
void libc_memory_start(void);
/* Is that thread among those that live? It may have ended, or not be there in a forked child. */
bool libc_memory_main_lives(const struct stopped_thread *threads, uint32_t thread_count);
/* Adds where the allocator keeps the census's blocks. `glibc`: it is glibc's own malloc. */
void libc_memory_heaps(const struct census *census, struct space *space, bool glibc,
                       struct ranges *ranges);
/* Calls visit for the stacks of threads that have ended, which glibc keeps for the next ones. */
void libc_memory_dead_stacks(struct space *space, struct pages *pages,
                             const struct stopped_thread *threads, uint32_t thread_count,
                             void (*visit)(uintptr_t start, uintptr_t end, void *context),
                             void *context);
/* Calls visit for the thread pointer that the thread of each of these stacks had. */
void libc_memory_dead_threads(struct space *space, struct pages *pages,
                              const struct stopped_thread *threads, uint32_t thread_count,
                              void (*visit)(uintptr_t thread_pointer, void *context),
                              void *context);
/* Has the thread of this pointer ended, and nobody joined it yet, so that what it returned can still be asked for? Up
   to *end lies its control block. */
bool libc_memory_is_awaited(struct space *space, uintptr_t thread_pointer, uintptr_t *end);
/* Where the vector of a thread's thread-local storage begins, to which its control block points into the
   middle; 0 if that is not known. */
uintptr_t libc_memory_thread_vector(struct space *space, uintptr_t thread_pointer);

#endif
