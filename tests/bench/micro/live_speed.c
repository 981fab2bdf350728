/* The live table and its uthash variant: time of a removal and an insertion, bytes per block. */
#include "base/lock.h"
#include "micro.h"
#include "track/live.h"
#include "uthash_table.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK_MEAN 280u
#define RECENT 1000u

struct live_table {
    const char *name;
    void (*insert)(const void *address, const struct live_block *block);
    bool (*remove)(const void *address, struct live_block *block);
};

/* One table filled with one number of blocks. Each thread works on a share of its own. */
struct live_trial {
    const struct live_table *table;
    uintptr_t *addresses;
    size_t count;
    size_t share;
    size_t steps;
    bool recent; /* else any block */
};

static void live_table_insert(const void *address, const struct live_block *block)
{
    struct live_block old;
    if (live_insert(address, block, &old) != LIVE_INSERTED)
        micro_fail("the live table is full");
}

static bool live_table_remove(const void *address, struct live_block *block)
{
    return live_remove(address, UINT64_MAX, block);
}

static const struct live_table live_tables[] = {
    {"live table", live_table_insert, live_table_remove},
    {"uthash, 64 locks", uthash_table_insert, uthash_table_remove},
};

/* Addresses as an allocator gives them: rising, 16-byte aligned, BLOCK_MEAN apart on average. */
static uintptr_t *live_addresses(size_t count)
{
    uint64_t random = 1;
    uintptr_t next = (uintptr_t)1 << 44;
    uintptr_t *addresses = malloc(count * sizeof *addresses);
    if (addresses == NULL)
        micro_fail("no memory for addresses");
    for (size_t i = 0; i < count; i++) {
        addresses[i] = next;
        next += 16 * (1 + micro_random(&random) % (2 * BLOCK_MEAN / 16));
    }
    return addresses;
}

/* Which block is next: any, or one of a window that moves on through the heap. */
static size_t live_choose(const struct live_trial *trial, size_t step, uint64_t *random)
{
    size_t any = micro_random(random);
    if (!trial->recent || trial->share <= RECENT)
        return any % trial->share;
    return (step / 4 + any % RECENT) % trial->share;
}

static void live_work(void *context, unsigned thread)
{
    const struct live_trial *trial = context;
    const uintptr_t *mine = trial->addresses + thread * trial->share;
    uint64_t random = 7 + thread;
    for (size_t i = 0; i < trial->steps; i++) {
        const void *address = (const void *)mine[live_choose(trial, i, &random)];
        struct live_block block;
        if (!trial->table->remove(address, &block))
            micro_fail("a block is not in the table");
        block.sequence++;
        trial->table->insert(address, &block);
    }
}

static double live_time(struct live_trial *trial, bool recent, unsigned threads)
{
    trial->recent = recent;
    trial->share = trial->count / threads;
    uint64_t spent = micro_together(threads, live_work, trial);
    return (double)spent / (double)trial->steps;
}

static void live_fill(const struct live_trial *trial)
{
    for (size_t i = 0; i < trial->count; i++) {
        struct live_block block = {.size = BLOCK_MEAN, .sequence = i + 1, .site = 1 + i % 1000};
        trial->table->insert((const void *)trial->addresses[i], &block);
    }
}

/* In a process of its own. */
static void live_part(const void *argument)
{
    struct live_trial trial = *(const struct live_trial *)argument;
    lock_start();
    trial.addresses = live_addresses(trial.count);
    size_t before = micro_resident();
    live_fill(&trial);
    double bytes = (double)(micro_resident() - before) / (double)trial.count;
    double any = live_time(&trial, false, 1);
    double recent = live_time(&trial, true, 1);
    double two = live_time(&trial, true, 2);
    printf("| %s | %zu | %.1f | %.1f | %.1f | %.1f |\n", trial.table->name, trial.count, any,
           recent, two, bytes);
}

void live_speed(void)
{
    const size_t counts[] = {10000, 1000000, 10000000};
    const size_t quick_counts[] = {1000, 10000};
    const size_t *sizes = micro_quick ? quick_counts : counts;
    size_t size_count =
        micro_quick ? sizeof quick_counts / sizeof *quick_counts : sizeof counts / sizeof *counts;
    puts("| removal + insertion, ns | live blocks | any block | recent | recent, two threads | "
         "bytes per block |\n| --- | --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < sizeof live_tables / sizeof *live_tables; i++) {
        for (size_t j = 0; j < size_count; j++) {
            struct live_trial trial = {.table = &live_tables[i], .count = sizes[j]};
            trial.steps = micro_quick ? 20000 : 3000000;
            micro_alone(live_part, &trial);
        }
    }
}
