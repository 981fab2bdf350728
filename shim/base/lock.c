#include "base/lock.h"
#include "base/decimal.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* So many times LOCK_PATIENCE_NS a waiter waits for a forking thread that is asleep, and for any. */
#define LOCK_STILL 3u
#define LOCK_PATIENCE_MOST 100u
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

static int lock_freeze_thread; /* by the forking thread, before lock_freeze_now */

/* What /proc has of the forking thread; the length, 0 if it cannot be asked. */
static size_t lock_ask_forker(const char *file, char *text, size_t size)
{
    char path[64] = "/proc/self/task/", digits[DECIMAL_MAX];
    const char *number = decimal_of((uint64_t)lock_freeze_thread, digits);
    size_t length = strlen(path), used = (size_t)(digits + DECIMAL_MAX - number);
    memcpy(path + length, number, used);
    memcpy(path + length + used, file, strlen(file) + 1);
    ssize_t got = sys_slurp(path, text, size);
    return got > 0 ? (size_t)got : 0;
}

/* Field 3 of its stat: a thread that copies a large process, or waits for a processor, does not sleep; one that
   waits for a lock of libc's does. What cannot be asked is taken for asleep. */
static bool lock_forker_sleeps(void)
{
    char text[256];
    for (size_t i = lock_ask_forker("/stat", text, sizeof text); i > 2; i--) {
        if (text[i - 3] == ')' && text[i - 2] == ' ')
            return text[i - 1] == 'S';
    }
    return true;
}

/* For how long it has run, in nanoseconds. */
static uint64_t lock_forker_ran(void)
{
    char text[128];
    size_t length = lock_ask_forker("/schedstat", text, sizeof text);
    uint64_t ran = 0;
    for (size_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        ran = ran * 10 + (uint64_t)(text[i] - '0');
    return ran;
}

/* What a waiter knows of it; asked once in LOCK_PATIENCE_NS. */
struct lock_watch {
    uint64_t ran;
    uint32_t still; /* so often it was asleep and had not run since */
    uint32_t asked;
};

/* Whoever holds the lock that it sleeps for may only be waiting for a processor, on a busy machine. */
static bool lock_forker_is_stuck(struct lock_watch *watch)
{
    uint64_t ran = lock_forker_ran();
    watch->still = lock_forker_sleeps() && ran == watch->ran ? watch->still + 1 : 0;
    watch->ran = ran;
    return watch->still >= LOCK_STILL || ++watch->asked >= LOCK_PATIENCE_MOST;
}

static void lock_break_freeze(void)
{
    uint32_t now = load_acquire(&lock_freeze_now); /* LOCK-FREEZE */
    if (now && swap_acquire(&lock_freeze_now, &now, 0))
        lock_freeze_thaw();
}

void lock_freeze(void (*thaw)(void))
{
    lock_freeze_thaw = thaw;
    lock_freeze_thread = sys_gettid();
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
    const uint32_t most = LOCK_PATIENCE_NS / LOCK_NAP_NS;
    struct lock_watch watch = {0};
    uint32_t naps = 0, expected = 0;
    add_relaxed(&lock->waiters, 1);
    while (!swap_acquire(&lock->word, &expected, 1)) {
        struct timespec nap = {.tv_nsec = LOCK_NAP_NS};
        if (SYS4(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 1, &nap) == -ETIMEDOUT &&
            ++naps % most == 0 && load_relaxed(&lock_freeze_now) && lock_forker_is_stuck(&watch))
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
