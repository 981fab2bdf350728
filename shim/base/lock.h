/*
 * Keeps       mutual exclusion inside the shim, without libc.
 * Invariant   a thread takes locks only in rising order of enum lock_rank, and holds none while it
 *             calls the next allocator, the dynamic linker or libunwind.
 * Threads     any. A signal handler never takes a lock that its own thread holds: while a thread is
 *             inside the shim its nested events are queued (hook/hook.h).
 * Memory      three words each.
 * On failure  cannot fail; waits with FUTEX_WAIT after a short spin.
 *
 * Giving a lock back is a plain store, half of what a lock costs with an atomic exchange. A waiter that
 * goes to sleep while that store is on its way is not woken: it looks again after LOCK_NAP_NS.
 *
 * While the process has one thread, taking a lock costs a load and a predicted branch. libc clears
 * its flag in the creating thread, before the second one starts, so no thread is inside at the
 * time.
 */
#ifndef MEMTRACK_BASE_LOCK_H
#define MEMTRACK_BASE_LOCK_H

#include "base/atomic.h"
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
    LOCK_START = 1, /* coming up, a forked child's start, the end */
    LOCK_SELF,      /* list of threads' states */
    LOCK_MODULE,    /* MODULES table */
    LOCK_SITE,      /* NODES and SITES tables and their index */
    LOCK_PATH,      /* which paths NAMES has */
    LOCK_NAME,      /* NAMES table */
    LOCK_CLAIMS,    /* what the program said of its blocks */
    LOCK_POOL,      /* blocks of the program's own pools */
    LOCK_LIVE,      /* a shard of the live table; never two but in fork, in order */
    LOCK_MAP,       /* table of mappings, and their counters */
    LOCK_TOTAL, /* site counters and totals of blocks, and mostly the live table: track/event.c */
    LOCK_HUGE,  /* sizes over 256 KiB */
    LOCK_FILE,  /* growth of the report file */
    LOCK_HEAP,  /* the shim's own memory */
};

#define LOCK_NESTING_MAX 4

struct lock {
    uint32_t word;    /* 0 free, 1 held */
    uint32_t rank;    /* enum lock_rank; 0: may be taken at any point. Constant */
    uint32_t waiters; /* threads that sleep, or are about to */
};

/* Points at a byte that is nonzero while the process surely has one thread. */
extern const char *lock_single;

void lock_wait_slow(struct lock *lock);
void lock_wake_slow(struct lock *lock);

/* What the calling thread holds, outermost first; see lock_abandon. */
struct lock_list {
    uint32_t depth;
    struct lock *lock[LOCK_NESTING_MAX];
};
extern MT_TLS struct lock_list lock_mine;

#if MEMTRACK_CHECK
/* What is done when a thread that holds `held` takes `lock` against the order: traps, unless a test
   has put something else in its place. */
extern void (*lock_disorder)(const struct lock *held, const struct lock *lock);
void lock_check_order(const struct lock *lock);
#else
MT_INLINE void lock_check_order(const struct lock *lock)
{
    (void)lock;
}
#endif

/* Takes a lock. The result goes to lock_leave: it tells whether the lock was really taken.
   Pairs with lock_leave by tag LOCK-WORD. */
MT_INLINE bool lock_enter(struct lock *lock)
{
    if (MT_LIKELY(*lock_single))
        return false;
    lock_check_order(lock);
    uint32_t expected = 0;
    if (MT_UNLIKELY(!swap_acquire(&lock->word, &expected, 1)))
        lock_wait_slow(lock);
    lock_mine.lock[lock_mine.depth++ % LOCK_NESTING_MAX] = lock;
    return true;
}

MT_INLINE void lock_leave(struct lock *lock, bool taken)
{
    if (MT_LIKELY(!taken))
        return;
    lock_mine.depth--;
    store_release(&lock->word, 0); /* LOCK-WORD */
    if (MT_UNLIKELY(load_relaxed(&lock->waiters) != 0))
        lock_wake_slow(lock);
}

/*
 * How deep the calling thread is in code that captures need too: interning, names, growth of the file,
 * the shim's heap. A signal handler that interrupts it there cannot capture its own stack.
 */
extern MT_TLS uint32_t lock_critical;

MT_INLINE bool lock_enter_critical(struct lock *lock)
{
    lock_critical++;
    __asm__ volatile("" ::: "memory");
    return lock_enter(lock);
}

MT_INLINE void lock_leave_critical(struct lock *lock, bool taken)
{
    lock_leave(lock, taken);
    __asm__ volatile("" ::: "memory");
    lock_critical--;
}

/* Whatever the scheduler does, the lock is taken: where a child of fork must find it consistent. */
void lock_hold(struct lock *lock);
void lock_release(struct lock *lock);
/* The same, but only if it is free. */
bool lock_try(struct lock *lock);

/* Finds libc's single-thread flag, if it has one (glibc 2.32). Call once, before a second thread.
 */
void lock_start(void);
/* From now on this process has threads, whatever libc says (raw clone). Never goes back. */
void lock_threads_seen(void);
/*
 * A fork holds every lock while it copies the process, so that the child finds all tables whole.
 * libc takes locks of its own in between, and another thread may hold one of those and wait for one
 * of ours. Such a thread waits LOCK_PATIENCE_NS, and longer while the
 * forking thread does not sleep, since the copy of a large process takes its time; then it breaks the freeze: it gives the locks back
 * in the forking thread's place, which is sound because that thread changes nothing meanwhile.
 */
#define LOCK_PATIENCE_NS 100000000ull
#define LOCK_NAP_NS 1000000ull
/* All locks are held by the calling thread from here on; `thaw` gives them back. */
void lock_freeze(void (*thaw)(void));
/* In the parent: true if the caller must give the locks back, false if somebody has. */
bool lock_unfreeze(void);
/* In the child: true if all tables are whole. */
bool lock_was_frozen(void);

/* In a forked child: nobody else holds it. True if somebody did when the child was made. */
bool lock_reset(struct lock *lock);
/* A signal handler left the shim by longjmp: gives back what the thread held. */
void lock_abandon(void);

#endif
