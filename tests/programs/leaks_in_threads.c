/* Threads that run, wait and have ended when the process exits; each holds one block in one way, and one is
   lost. Says which are which: `size kind`, for tests/cases/leaks.bats. */
#include "truth.h"

#include <pthread.h>

#define HIDE(pointer) (~(uintptr_t)(pointer))

static __thread void *volatile in_tls;
static pthread_key_t key;
static pthread_barrier_t ready;
static volatile int never;
static volatile uintptr_t hidden[8];

/* No dead word of a frame that was there before may hold a block. */
static __attribute__((noinline)) void wipe(void)
{
    volatile char words[8192];
    for (size_t i = 0; i < sizeof words; i++)
        words[i] = 0;
}

static __attribute__((noinline)) void wait_for_ever(void)
{
    wipe();
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
}

static void *holds_on_stack(void *unused)
{
    void *volatile held = malloc(1001);
    wait_for_ever();
    free(held);
    return unused;
}

static void *holds_in_tls(void *unused)
{
    in_tls = malloc(1002);
    wait_for_ever();
    return unused;
}

static void *holds_as_specific(void *unused)
{
    pthread_setspecific(key, malloc(1003));
    wait_for_ever();
    return unused;
}

static void *holds_in_a_register(void *unused)
{
    uintptr_t held = (uintptr_t)malloc(1004);
    pthread_barrier_wait(&ready);
    while (!never)
        __asm__ volatile("" : "+r"(held));
    free((void *)held);
    return unused;
}

static void *loses(void *unused)
{
    hidden[0] = HIDE(malloc(1005));
    wait_for_ever();
    return unused;
}

/* Its stack and its thread-local storage are nobody's any more. */
static void *ends(void *unused)
{
    void *volatile held = malloc(1006);
    in_tls = malloc(1007);
    (void)held;
    return unused;
}

int main(void)
{
    void *(*const work[])(void *) = {holds_on_stack, holds_in_tls, holds_as_specific,
                                     holds_in_a_register, loses};
    pthread_t thread;
    truth_require(pthread_key_create(&key, NULL) == 0);
    truth_require(pthread_barrier_init(&ready, NULL, 6) == 0);
    truth_require(pthread_create(&thread, NULL, ends, NULL) == 0);
    truth_require(pthread_join(thread, NULL) == 0);
    /* The next thread would take the ended one's stack: larger ones do not fit there. */
    pthread_attr_t attributes;
    truth_require(pthread_attr_init(&attributes) == 0);
    truth_require(pthread_attr_setstacksize(&attributes, 12 << 20) == 0);
    for (size_t i = 0; i < sizeof work / sizeof *work; i++)
        truth_require(pthread_create(&thread, &attributes, work[i], NULL) == 0);
    pthread_barrier_wait(&ready);
    truth_write(1, "1001 reachable\n1002 reachable\n1003 reachable\n1004 reachable\n"
                   "1005 definite\n1006 definite\n1007 definite\n");
    wipe();
    return 0;
}
