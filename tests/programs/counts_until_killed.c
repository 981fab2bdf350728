/* usage: counts_until_killed FILE: four threads allocate, move, free and map without an end, to be killed at any
   moment. FILE is shared memory that tells how far each was: counters of calls begun and of calls done, so
   that at any moment the true number lies between the two. */
#include "truth.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#define THREADS 4
#define SLOTS 100

struct progress {
    volatile uint64_t begun_allocs, done_allocs;
    volatile uint64_t begun_frees, done_frees;
    volatile uint64_t begun_maps, done_maps;
    volatile uint64_t begun_unmaps, done_unmaps;
};

static struct progress *progress; /* of each thread */

static void *counted_malloc(struct progress *own, size_t size)
{
    own->begun_allocs++;
    void *block = malloc(size);
    own->done_allocs++;
    return block;
}

static void counted_free(struct progress *own, void *block)
{
    own->begun_frees++;
    free(block);
    own->done_frees++;
}

/* One free and one allocation. */
static void *counted_realloc(struct progress *own, void *block, size_t size)
{
    own->begun_frees++;
    own->begun_allocs++;
    block = realloc(block, size);
    own->done_allocs++;
    own->done_frees++;
    return block;
}

static void map_and_unmap(struct progress *own)
{
    own->begun_maps++;
    void *pages = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    own->done_maps++;
    own->begun_unmaps++;
    munmap(pages, 8192);
    own->done_unmaps++;
}

/* Ever deeper stacks make new call sites as it goes. */
static void *allocate_from(struct progress *own, unsigned depth, size_t size)
{
    void *block = depth ? allocate_from(own, depth - 1, size) : counted_malloc(own, size);
    __asm__ volatile("" : "+r"(block));
    return block;
}

static void *work(void *argument)
{
    struct progress *own = argument;
    void *slots[SLOTS] = {NULL};
    for (unsigned i = 0;; i++) {
        size_t slot = i * 13 % SLOTS;
        if (slots[slot] && i % 5 == 0) {
            slots[slot] = counted_realloc(own, slots[slot], 1 + i % 3000);
            continue;
        }
        if (slots[slot])
            counted_free(own, slots[slot]);
        slots[slot] = allocate_from(own, i / 50 % 150, 1 + i % 500);
        if (i % 50 == 0)
            map_and_unmap(own);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    pthread_t thread;
    truth_require(file >= 0 && ftruncate(file, THREADS * sizeof *progress) == 0);
    progress = mmap(NULL, THREADS * sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    truth_require(progress != MAP_FAILED);
    for (int i = 1; i < THREADS; i++)
        truth_require(pthread_create(&thread, NULL, work, &progress[i]) == 0);
    work(&progress[0]);
}
