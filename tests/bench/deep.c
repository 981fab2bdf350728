/* malloc + free below a stack of some depth: nothing but the price of one event.
   deep CALLS DEPTH THREADS, 0 threads: in the main thread of a process that has no other. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define RING 64
#define THREADS_MAX 64

static long calls;
static int depth;

/* Blocks live for RING allocations, and sizes differ, as in real programs. */
static void __attribute__((noinline)) allocate(void)
{
    void *ring[RING] = {NULL};
    for (long i = 0; i < calls; i++) {
        free(ring[i % RING]);
        ring[i % RING] = malloc(16 + (size_t)(i * 40503u % 240));
    }
    for (int i = 0; i < RING; i++)
        free(ring[i]);
}

static int __attribute__((noinline)) descend(int left)
{
    if (left == 0)
        allocate();
    else
        descend(left - 1);
    __asm__ volatile(""); /* no tail call */
    return left;
}

static void *work(void *unused)
{
    descend(depth);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    if (argc != 4) {
        fputs("usage: deep CALLS DEPTH THREADS\n", stderr);
        return 2;
    }
    calls = strtol(argv[1], NULL, 10);
    depth = (int)strtol(argv[2], NULL, 10);
    long count = strtol(argv[3], NULL, 10);
    if (count > THREADS_MAX)
        count = THREADS_MAX;
    if (count == 0)
        work(NULL);
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 1;
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
