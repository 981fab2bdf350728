/* Mutual exclusion, and a freeze for fork that no waiter can be caught in. */
#include "base/lock.h"
#include "base/sys.h"
#include "child.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/single_threaded.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS 40000
#define NOT_ALONE 77

static struct lock lock, inner;
static uint64_t counter; /* a plain one: the lock is what makes it right */

static void *count_under_the_lock(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        bool taken = lock_enter(&lock);
        bool deeper = lock_enter(&inner);
        counter++;
        lock_leave(&inner, deeper);
        lock_leave(&lock, taken);
    }
    return NULL;
}

static void *count_holding_the_lock(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        lock_hold(&lock);
        counter++;
        lock_release(&lock);
    }
    return NULL;
}

static void run_threads(void *(*work)(void *), void *(*other)(void *))
{
    pthread_t threads[THREADS];
    counter = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, i % 2 ? work : other, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void one_thread_at_a_time_is_inside(void **state)
{
    (void)state;
    run_threads(count_under_the_lock, count_under_the_lock);
    assert_int_equal(counter, THREADS * ROUNDS);
    run_threads(count_under_the_lock, count_holding_the_lock);
    assert_int_equal(counter, THREADS * ROUNDS);
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock_mine.depth, 0);
}

static void a_waiter_sleeps_and_is_woken(void **state)
{
    pthread_t thread;
    struct timespec a_while = {0, 50000000}, used;
    clockid_t clock;
    (void)state;
    counter = 0;
    lock_hold(&lock);
    pthread_create(&thread, NULL, count_under_the_lock, NULL);
    nanosleep(&a_while, NULL);
    assert_int_equal(counter, 0);
    assert_int_equal(load_relaxed(&lock.waiters), 1);
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    clock_gettime(clock, &used);
    assert_true(used.tv_sec == 0 && used.tv_nsec < 40000000);
    lock_release(&lock);
    pthread_join(thread, NULL);
    assert_int_equal(counter, ROUNDS);
}

static void a_reset_tells_whether_it_was_held(void **state)
{
    (void)state;
    assert_false(lock_reset(&lock));
    lock_hold(&lock);
    assert_true(lock_reset(&lock));
    assert_false(lock_reset(&lock));
}

static void abandoning_gives_back_all_that_this_thread_holds(void **state)
{
    static struct lock third;
    (void)state;
    assert_true(lock_enter(&lock));
    assert_true(lock_enter(&inner));
    lock_hold(&third); /* not by lock_enter: a fork in progress */
    assert_int_equal(lock_mine.depth, 2);
    lock_abandon();
    assert_int_equal(lock_mine.depth, 0);
    assert_int_equal(lock.word | inner.word, 0);
    assert_int_equal(third.word, 1);
    lock_abandon();
    lock_release(&third);
    run_threads(count_under_the_lock, count_under_the_lock);
    assert_int_equal(counter, THREADS * ROUNDS);
}

/* ---- the freeze ---- */

static int thawed;

static void thaw(void)
{
    thawed++;
    lock_release(&lock);
}

static void a_freeze_that_nobody_breaks_is_the_forkers_to_end(void **state)
{
    (void)state;
    thawed = 0;
    assert_false(lock_was_frozen());
    lock_hold(&lock);
    lock_freeze(thaw);
    assert_true(lock_was_frozen());
    assert_true(lock_unfreeze());
    assert_false(lock_was_frozen());
    assert_int_equal(thawed, 0);
    lock_release(&lock);
}

static void a_waiter_breaks_a_freeze_when_its_patience_ends(void **state)
{
    pthread_t thread;
    (void)state;
    thawed = 0;
    counter = 0;
    lock_hold(&lock);
    lock_freeze(thaw);
    uint64_t begin = sys_clock_ns(CLOCK_MONOTONIC);
    pthread_create(&thread, NULL, count_under_the_lock, NULL);
    pthread_join(thread, NULL); /* the forker waits for it: for ever, if it could not break out */
    assert_true(sys_clock_ns(CLOCK_MONOTONIC) - begin >= LOCK_PATIENCE_NS);
    assert_int_equal(thawed, 1);
    assert_int_equal(counter, ROUNDS);
    assert_false(lock_was_frozen());
    assert_false(lock_unfreeze());
    assert_int_equal(lock.word, 0);
}

static void many_waiters_break_a_freeze_once(void **state)
{
    (void)state;
    thawed = 0;
    lock_hold(&lock);
    lock_freeze(thaw);
    run_threads(count_under_the_lock, count_holding_the_lock);
    assert_int_equal(thawed, 1);
    assert_int_equal(counter, THREADS * ROUNDS);
    assert_false(lock_unfreeze());
}

static void patience_alone_breaks_no_lock_that_is_not_frozen(void **state)
{
    pthread_t thread;
    struct timespec longer = {0, LOCK_PATIENCE_NS + LOCK_PATIENCE_NS / 2};
    (void)state;
    counter = 0;
    thawed = 0;
    lock_hold(&lock);
    pthread_create(&thread, NULL, count_under_the_lock, NULL);
    nanosleep(&longer, NULL);
    assert_int_equal(counter, 0);
    lock_release(&lock);
    pthread_join(thread, NULL);
    assert_int_equal(thawed, 0);
}

/* ---- the order ---- */

#if MEMTRACK_CHECK
static const struct lock *disorder_held, *disorder_lock;

static void note_disorder(const struct lock *held, const struct lock *wrong)
{
    disorder_held = held;
    disorder_lock = wrong;
}

/* Takes first, then second; was that found to be wrong? */
static bool is_disorder(struct lock *first, struct lock *second)
{
    disorder_held = NULL;
    bool outer = lock_enter(first);
    bool deeper = lock_enter(second);
    lock_leave(second, deeper);
    lock_leave(first, outer);
    return disorder_held == first && disorder_lock == second;
}

static void locks_are_taken_in_rising_order_alone(void **state)
{
    struct lock low = {.rank = LOCK_SITE}, high = {.rank = LOCK_HEAP}, equal = {.rank = LOCK_SITE};
    struct lock any = {.rank = 0};
    (void)state;
    void (*before)(const struct lock *, const struct lock *) = lock_disorder;
    lock_disorder = note_disorder;
    assert_false(is_disorder(&low, &high));
    assert_true(is_disorder(&high, &low));
    assert_true(is_disorder(&low, &equal));
    assert_false(is_disorder(&high, &any));
    assert_false(is_disorder(&any, &low));
    lock_disorder = before;
}
#endif

/* ---- one thread ---- */

static void enter_alone(void)
{
    pthread_t threads[2];
    if (!__libc_single_threaded)
        _exit(NOT_ALONE);
    lock_start();
    REQUIRE(*lock_single);
    bool taken = lock_enter(&lock);
    REQUIRE(!taken && lock.word == 0 && lock_mine.depth == 0);
    lock_leave(&lock, taken);
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, count_under_the_lock, NULL) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    REQUIRE(counter == 2 * (uint64_t)ROUNDS);
    lock_threads_seen();
    taken = lock_enter(&lock);
    REQUIRE(taken && lock.word == 1);
    lock_leave(&lock, taken);
}

static void a_single_thread_takes_no_lock_until_there_is_a_second(void **state)
{
    (void)state;
    counter = 0;
    int status = child_run(enter_alone);
    if (status == NOT_ALONE) {
        print_message(
            "skipped: this process has a thread that is not the test's (a sanitizer's)\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_thread_takes_no_lock_until_there_is_a_second),
        cmocka_unit_test(one_thread_at_a_time_is_inside),
        cmocka_unit_test(a_waiter_sleeps_and_is_woken),
        cmocka_unit_test(a_reset_tells_whether_it_was_held),
        cmocka_unit_test(abandoning_gives_back_all_that_this_thread_holds),
        cmocka_unit_test(a_freeze_that_nobody_breaks_is_the_forkers_to_end),
        cmocka_unit_test(a_waiter_breaks_a_freeze_when_its_patience_ends),
        cmocka_unit_test(many_waiters_break_a_freeze_once),
#if MEMTRACK_CHECK
        cmocka_unit_test(locks_are_taken_in_rising_order_alone),
#endif
        cmocka_unit_test(patience_alone_breaks_no_lock_that_is_not_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
