/* Allocations before main and after it: constructors, thread-specific destructors, threads' ends,
   atexit handlers, destructors. Blocks of one phase are freed in another. */
#include "truth.h"
#include <pthread.h>

static void *volatile early;
static void *volatile for_the_destructor;
static void *volatile kept[8];
static pthread_key_t key;

static __attribute__((constructor)) void in_constructor(void)
{
    early = malloc(11);
    kept[0] = malloc(12);
}

static void in_thread_destructor(void *block)
{
    free(block);
    kept[1] = malloc(23);
}

static void *in_thread(void *unused)
{
    (void)unused;
    truth_require(pthread_setspecific(key, malloc(22)) == 0);
    kept[2] = malloc(24);
    return malloc(25);
}

static void in_exit_handler(void)
{
    free(early);
    for_the_destructor = malloc(41);
    kept[3] = malloc(42);
}

static __attribute__((destructor)) void in_destructor(void)
{
    free(for_the_destructor);
    kept[4] = malloc(51);
}

int main(void)
{
    pthread_t thread;
    void *result = NULL;
    truth_require(atexit(in_exit_handler) == 0);
    truth_require(pthread_key_create(&key, in_thread_destructor) == 0);
    truth_require(pthread_create(&thread, NULL, in_thread, NULL) == 0);
    truth_require(pthread_join(thread, &result) == 0);
    free(result);
    truth_write(1, "truth under in_constructor allocs=2 frees=1 live_blocks=1 live_bytes=12\n");
    truth_write(1, "truth under in_thread allocs=3 frees=2 live_blocks=1 live_bytes=24\n");
    truth_write(1, "truth under in_thread_destructor allocs=1 live_blocks=1 live_bytes=23\n");
    truth_write(1, "truth under in_exit_handler allocs=2 frees=1 live_blocks=1 live_bytes=42\n");
    truth_write(1, "truth under in_destructor allocs=1 live_blocks=1 live_bytes=51\n");
    return 0;
}
