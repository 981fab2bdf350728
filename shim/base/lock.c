#include "base/lock.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <time.h>

#define LOCK_SPINS 64

/* glibc 2.32 and later; absent elsewhere. */
extern char __libc_single_threaded __attribute__((weak));

static const char lock_never_single = 0;
const char *lock_single = &lock_never_single; /* written before a second thread, or to the above */
MT_TLS struct lock_list lock_mine;
MT_TLS uint32_t lock_critical;

static inline void lock_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Each freeze has a number of its own: once one was broken, the next may have begun before the first one's thread
   comes to ask. */
static uint32_t lock_freeze_number; /* the last one's; by the forking thread, with all locks held */
static uint32_t
    lock_freeze_now; /* the one that lasts, 0: none; ended by its thread or by a waiter */
static void (*lock_freeze_thaw)(void);  /* by the forking thread, before lock_freeze_now */
static MT_TLS uint32_t lock_freeze_own; /* this thread's */

static void lock_break_freeze(void)
{
    uint32_t now = load_acquire(&lock_freeze_now); /* LOCK-FREEZE */
    if (now && swap_acquire(&lock_freeze_now, &now, 0))
        lock_freeze_thaw();
}

void lock_freeze(void (*thaw)(void))
{
    lock_freeze_thaw = thaw;
    lock_freeze_number += 1 + (lock_freeze_number == UINT32_MAX);
    lock_freeze_own = lock_freeze_number;
    store_release(&lock_freeze_now, lock_freeze_own); /* LOCK-FREEZE */
}

bool lock_unfreeze(void)
{
    uint32_t own = lock_freeze_own;
    lock_freeze_own = 0;
    return own && swap_acquire(&lock_freeze_now, &own, 0);
}

bool lock_was_frozen(void)
{
    return lock_freeze_own && load_acquire(&lock_freeze_now) == lock_freeze_own;
}

/* Naps until the lock is free, and takes it. */
static void lock_sleep(struct lock *lock)
{
    uint32_t naps = 0, expected = 0;
    add_relaxed(&lock->waiters, 1);
    while (!swap_acquire(&lock->word, &expected, 1)) {
        struct timespec nap = {.tv_nsec = LOCK_NAP_NS};
        if (SYS4(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 1, &nap) == -ETIMEDOUT &&
            ++naps >= LOCK_PATIENCE_NS / LOCK_NAP_NS)
            lock_break_freeze();
        expected = 0;
    }
    add_relaxed(&lock->waiters, -1);
}

MT_COLD void lock_wait_slow(struct lock *lock)
{
    for (int spin = 0; spin < LOCK_SPINS; spin++) {
        uint32_t expected = 0;
        if (load_relaxed(&lock->word) == 0 && swap_acquire(&lock->word, &expected, 1))
            return;
        lock_pause();
    }
    lock_sleep(lock);
}

MT_COLD void lock_wake_slow(struct lock *lock)
{
    SYS3(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}

void lock_hold(struct lock *lock)
{
    uint32_t expected = 0;
    if (!swap_acquire(&lock->word, &expected, 1))
        lock_wait_slow(lock);
}

bool lock_try(struct lock *lock)
{
    uint32_t expected = 0;
    return swap_acquire(&lock->word, &expected, 1);
}

void lock_release(struct lock *lock)
{
    store_release(&lock->word, 0);
    if (load_relaxed(&lock->waiters) != 0)
        lock_wake_slow(lock);
}

void lock_start(void)
{
    if (&__libc_single_threaded != NULL)
        lock_single = &__libc_single_threaded;
}

void lock_threads_seen(void)
{
    store_relaxed(&lock_single, &lock_never_single);
}

#if MEMTRACK_CHECK
static void lock_trap(const struct lock *held, const struct lock *lock)
{
    (void)held;
    (void)lock;
    __builtin_trap();
}

void (*lock_disorder)(const struct lock *held, const struct lock *lock) = lock_trap;

void lock_check_order(const struct lock *lock)
{
    uint32_t depth = lock_mine.depth < LOCK_NESTING_MAX ? lock_mine.depth : LOCK_NESTING_MAX;
    for (uint32_t i = 0; i < depth; i++) {
        if (lock->rank && lock_mine.lock[i]->rank >= lock->rank)
            lock_disorder(lock_mine.lock[i], lock);
    }
}
#endif

bool lock_reset(struct lock *lock)
{
    store_relaxed(&lock->waiters, 0);
    return exchange_acquire(&lock->word, 0) != 0;
}

void lock_abandon(void)
{
    lock_critical = 0;
    while (lock_mine.depth > 0) {
        uint32_t last = --lock_mine.depth;
        if (last < LOCK_NESTING_MAX)
            lock_release(lock_mine.lock[last]);
    }
}
