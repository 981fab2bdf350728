/*
 * Keeps       the next definitions of what the shim interposes: libc's, or those of an allocator
 *             that is preloaded or linked behind us.
 * Invariant   every pointer can be called at any time: before real_resolve the entries of the
 * malloc family serve from the boot pool, afterwards none is NULL. Threads     written by
 * real_resolve, under LOCK_START; read by all. Memory      static. On failure  what the next
 * allocator lacks is made from its other functions.
 */
#ifndef MEMTRACK_BASE_REAL_H
#define MEMTRACK_BASE_REAL_H

#include <stdbool.h>
#include <stddef.h>

struct real_functions {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*malloc_usable_size)(void *);
};

extern struct real_functions real;

/* Brings the shim up; true if the functions below can be used now. Defined by start.c, so that the
   very first call of the host is served and recorded like any other; absent in unit tests. */
bool real_wake(void) __attribute__((weak));
/* Looks up the next malloc family (RTLD_NEXT). Takes the loader's lock; may call back into the
   hooks, which then serve from the boot pool. */
void real_resolve(void);
/* May a function be looked up that is not there? The loader makes the text of its error with the program's
   malloc. Where that is not ours it may be in the middle of coming up, under a lock: it called mmap, which
   brought us up. */
bool real_may_miss(void);
/* The next definition of any function, NULL if there is none. */
void *real_next(const char *name);
/* After lookups by dlsym: what was absent must not be the host's error, nor the text of it a block that the host
   frees. */
void real_forget_errors(void);
/* The same, into the function pointer at `function`. */
void real_take(void *function, const char *name);

#endif
