/* A pool hands out fixed blocks from one slab: the allocator sees the slab and the pool, not the
   blocks; a pool that is never closed leaks both. */
#include "truth.h"

static struct truth counted;

struct pool {
    unsigned char *slab;
    size_t block_size;
    size_t count;
    void **unused; /* stack of blocks that nobody has */
    size_t unused_count;
};

static struct pool *pool_open(size_t block_size, size_t count)
{
    struct pool *pool = truth_got(&counted, malloc(sizeof *pool), sizeof *pool);
    truth_require(pool != NULL);
    pool->slab = truth_got(&counted, aligned_alloc(64, block_size * count), block_size * count);
    pool->unused = truth_got(&counted, calloc(count, sizeof(void *)), count * sizeof(void *));
    truth_require(pool->slab != NULL && pool->unused != NULL);
    pool->block_size = block_size;
    pool->count = count;
    for (size_t i = 0; i < count; i++)
        pool->unused[i] = pool->slab + i * block_size;
    pool->unused_count = count;
    return pool;
}

static void *pool_take(struct pool *pool)
{
    return pool->unused_count == 0 ? NULL : pool->unused[--pool->unused_count];
}

static void pool_give(struct pool *pool, void *block)
{
    pool->unused[pool->unused_count++] = block;
}

static void pool_close(struct pool *pool)
{
    truth_gone(&counted, pool->count * sizeof(void *));
    free(pool->unused);
    truth_gone(&counted, pool->count * pool->block_size);
    free(pool->slab);
    truth_gone(&counted, sizeof *pool);
    free(pool);
}

static void churn(struct pool *pool, size_t rounds)
{
    void *taken[8];
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < 8; i++) {
            taken[i] = pool_take(pool);
            truth_require(taken[i] != NULL);
            memset(taken[i], (int)round, pool->block_size);
        }
        for (size_t i = 0; i < 8; i++)
            pool_give(pool, taken[i]);
    }
}

static struct pool *forgotten_pool(void)
{
    return pool_open(128, 10);
}

int main(void)
{
    struct pool *pool = pool_open(64, 32);
    churn(pool, 1000);
    pool_close(pool);
    struct pool *forgotten = forgotten_pool();
    truth_require(pool_take(forgotten) != NULL);
    truth_write_all(&counted);
    truth_write(1, "truth under churn allocs=0\n");
    truth_write(1, "truth under forgotten_pool live_blocks=3 live_bytes=%zu sites=3\n",
                sizeof *forgotten + 1280 + 10 * sizeof(void *));
    return 0;
}
