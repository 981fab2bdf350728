/* usage: family_at_random SEED CALLS: four threads make random calls of the malloc family, each its own share of
   CALLS, and hand blocks to each other; the model of it says every total and every block that is left. */
#include "truth.h"
#include <malloc.h>
#include <pthread.h>

#define THREADS 4
#define SLOTS 60
#define SHELF 32 /* where threads leave blocks for each other */
#define BLOCKS (THREADS * SLOTS + SHELF)

struct block {
    unsigned char *bytes; /* NULL: not allocated */
    size_t size;
    const char *from;
};

struct worker {
    struct truth counted;
    struct block *slots[SLOTS];
    unsigned random;
    int calls;
};

static struct block blocks[BLOCKS];
static struct block *shelf[SHELF];
static struct worker workers[THREADS];

static unsigned pick(struct worker *worker, unsigned below)
{
    worker->random = worker->random * 1664525u + 1013904223u;
    return (worker->random >> 8) % below;
}

static size_t pick_size(struct worker *worker)
{
    static const unsigned most[] = {1, 40, 300, 5000, 200000};
    return pick(worker, most[pick(worker, 5)]);
}

static void fill(struct block *block, const char *from, void *bytes, size_t size)
{
    truth_require(bytes != NULL);
    block->bytes = bytes;
    block->size = size;
    block->from = from;
    if (size > 0)
        memset(bytes, (int)(size & 0xff), size);
}

static void require_whole(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i += 97)
        truth_require(block->bytes[i] == (block->size & 0xff));
}

static void by_malloc(struct block *block, size_t size)
{
    fill(block, __func__, malloc(size), size);
}

static void by_calloc(struct block *block, size_t size)
{
    unsigned char *bytes = calloc(1 + size / 3, 3);
    size = (1 + size / 3) * 3;
    for (size_t i = 0; i < size; i++)
        truth_require(bytes[i] == 0);
    fill(block, __func__, bytes, size);
}

static void by_realloc_of_nothing(struct block *block, size_t size)
{
    fill(block, __func__, realloc(NULL, size), size);
}

static void by_reallocarray(struct block *block, size_t size)
{
    fill(block, __func__, reallocarray(NULL, size, 2), 2 * size);
}

static void by_memalign(struct block *block, size_t size)
{
    fill(block, __func__, memalign(128, size), size);
    truth_require((uintptr_t)block->bytes % 128 == 0);
}

static void by_aligned_alloc(struct block *block, size_t size)
{
    fill(block, __func__, aligned_alloc(64, (size / 64) * 64), (size / 64) * 64);
}

static void by_posix_memalign(struct block *block, size_t size)
{
    void *bytes = NULL;
    truth_require(posix_memalign(&bytes, 1024, size) == 0);
    fill(block, __func__, bytes, size);
}

static void by_valloc(struct block *block, size_t size)
{
    fill(block, __func__, valloc(size), size);
}

static void allocate(struct worker *worker, struct block *block)
{
    static void (*const entries[])(struct block *, size_t) = {
        by_malloc,       by_malloc,   by_calloc,        by_realloc_of_nothing,
        by_reallocarray, by_memalign, by_aligned_alloc, by_posix_memalign,
        by_valloc};
    entries[pick(worker, sizeof entries / sizeof entries[0])](block, pick_size(worker));
    truth_got(&worker->counted, block->bytes, block->size);
}

static void release(struct worker *worker, struct block *block)
{
    require_whole(block, block->size);
    truth_gone(&worker->counted, block->size);
    free(block->bytes);
    block->bytes = NULL;
}

static void resize(struct worker *worker, struct block *block)
{
    size_t size = pick_size(worker) + 1, old_size = block->size;
    size_t common = size < old_size ? size : old_size;
    unsigned char *bytes = realloc(block->bytes, size);
    truth_moved(&worker->counted, bytes, old_size, size);
    block->bytes = bytes;
    require_whole(block, common);
    fill(block, __func__, bytes, size);
}

/* glibc: as free. */
static void resize_to_nothing(struct worker *worker, struct block *block)
{
    truth_require(realloc(block->bytes, 0) == NULL);
    truth_gone(&worker->counted, block->size);
    block->bytes = NULL;
}

static void be_refused(struct worker *worker, struct block *block)
{
    volatile size_t most = PTRDIFF_MAX;
    void *bytes = block->bytes ? realloc(block->bytes, most) : malloc(most);
    truth_require(bytes == NULL);
    worker->counted.failed++;
    if (block->bytes)
        require_whole(block, block->size);
}

static void change(struct worker *worker, struct block *block)
{
    unsigned what = pick(worker, 20);
    if (what == 0)
        be_refused(worker, block);
    else if (block->bytes == NULL)
        allocate(worker, block);
    else if (what == 1)
        resize_to_nothing(worker, block);
    else if (what < 9)
        resize(worker, block);
    else
        release(worker, block);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < worker->calls; i++) {
        struct block **slot = &worker->slots[pick(worker, SLOTS)];
        change(worker, *slot);
        if (i % 3 == 0) /* from here on another thread may have it */
            *slot = __atomic_exchange_n(&shelf[pick(worker, SHELF)], *slot, __ATOMIC_ACQ_REL);
    }
    return NULL;
}

static void start_all(pthread_t *threads)
{
    for (int i = 0; i < THREADS; i++)
        truth_require(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
}

static void prepare(unsigned seed, int calls)
{
    struct block *next = blocks;
    for (int i = 0; i < THREADS; i++) {
        workers[i].random = seed * THREADS + (unsigned)i;
        workers[i].calls = calls / THREADS;
        for (int j = 0; j < SLOTS; j++)
            workers[i].slots[j] = next++;
    }
    for (int i = 0; i < SHELF; i++)
        shelf[i] = next++;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    struct truth sum = {0};
    truth_require(argc == 3);
    prepare((unsigned)atoi(argv[1]), atoi(argv[2]));
    start_all(threads);
    for (int i = 0; i < THREADS; i++) {
        truth_require(pthread_join(threads[i], NULL) == 0);
        truth_add(&sum, &workers[i].counted);
    }
    truth_write_counts(1, "under work", &sum);
    truth_write(1, "Leaks of start_all are the thread library's\n");
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].bytes)
            truth_write(1, "Leak at %p: %zu bytes from %s\n", (void *)blocks[i].bytes,
                        blocks[i].size, blocks[i].from);
    return 0;
}
