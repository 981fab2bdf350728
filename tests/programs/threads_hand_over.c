/* usage: threads_hand_over BLOCKS: threads allocate, resize, hand blocks over to each other and
   free what they were given; the totals are exact whoever frees. */
#include "truth.h"
#include <pthread.h>

#define THREADS 4
#define SLOTS 256

struct parcel {
    void *block;
    size_t size;
};

struct worker {
    pthread_t thread;
    struct truth counted;
    uint32_t random;
    size_t blocks;
};

/* A parcel in a slot belongs to whoever exchanges it out. */
static struct parcel slots[SLOTS];
static pthread_mutex_t slot_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t next_random(struct worker *worker)
{
    worker->random = worker->random * 1664525u + 1013904223u;
    return worker->random >> 8;
}

static struct parcel exchange(size_t slot, struct parcel parcel)
{
    truth_require(pthread_mutex_lock(&slot_lock) == 0);
    struct parcel old = slots[slot];
    slots[slot] = parcel;
    truth_require(pthread_mutex_unlock(&slot_lock) == 0);
    return old;
}

static struct parcel make(struct worker *worker)
{
    size_t size = next_random(worker) % 2000;
    void *block = truth_got(&worker->counted, malloc(size), size);
    if (next_random(worker) % 4 == 0) {
        size_t grown = size + 1 + next_random(worker) % 3000;
        block = truth_moved(&worker->counted, realloc(block, grown), size, grown);
        size = grown;
    }
    return (struct parcel){block, size};
}

static void drop(struct worker *worker, struct parcel parcel)
{
    if (parcel.block == NULL)
        return;
    free(parcel.block);
    truth_gone(&worker->counted, parcel.size);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < worker->blocks; i++)
        drop(worker, exchange(next_random(worker) % SLOTS, make(worker)));
    return NULL;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS];
    struct truth sum = {0};
    truth_require(argc == 2);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].random = 7 * i + 1;
        workers[i].blocks = strtoul(argv[1], NULL, 10);
        truth_require(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        truth_require(pthread_join(workers[i].thread, NULL) == 0);
        truth_add(&sum, &workers[i].counted);
    }
    truth_write_counts(1, "under work", &sum);
    return 0;
}
