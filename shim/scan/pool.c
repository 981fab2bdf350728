#include "scan/pool.h"
#include "base/atomic.h"
#include "base/heap.h"
#include "base/lock.h"
#include "memtrack/format.h"
#include "stack/site.h"

/* The shim must not call malloc, and must not end its host when memory is short. */
#define uthash_malloc(size) heap_alloc(size)
#define uthash_free(piece, size) heap_free((piece), (size))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct pool_entry {
    struct pool_block block; /* key: start */
    struct pool *pool;
    struct pool_entry *next; /* of the same pool */
    struct pool_entry *before;
    UT_hash_handle hh;
};

struct pool {
    uintptr_t name; /* key */
    struct pool_entry *first;
    UT_hash_handle hh;
};

static struct lock pool_lock = {.rank = LOCK_POOL};
static struct pool *pools;              /* all below: LOCK_POOL */
static struct pool_entry *pool_entries; /* of all pools */

/* ---- counters of call sites ---- */

static struct mtf_site *pool_site(uint32_t site)
{
    struct mtf_site *record = site_record(site);
    return record->domain == MTF_DOMAIN_POOLS ? record : NULL;
}

static void pool_count_alloc(const struct pool_block *block)
{
    struct mtf_site *site = pool_site(block->site);
    if (site == NULL)
        return;
    add_owned_pair(&site->allocs, 1, block->size); /* and alloc_bytes */
    if (block->size > site->largest)
        store_relaxed(&site->largest, block->size);
}

static void pool_count_free(const struct pool_block *block)
{
    struct mtf_site *site = pool_site(block->site);
    if (site == NULL)
        return;
    if (block->inherited) {
        add_owned_pair(&site->inherited_blocks, (uint64_t)-1,
                       -block->size); /* and inherited_bytes */
    } else {
        add_owned_pair(&site->frees, 1, block->size); /* and freed_bytes */
    }
}

/* ---- the table; all with the lock held ---- */

static struct pool *pool_find(uintptr_t name)
{
    struct pool *pool = NULL;
    HASH_FIND(hh, pools, &name, sizeof name, pool);
    return pool;
}

static struct pool *pool_make(uintptr_t name)
{
    struct pool *pool = pool_find(name);
    if (pool)
        return pool;
    pool = heap_alloc(sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->name = name;
    HASH_ADD(hh, pools, name, sizeof pool->name, pool);
    if (pool->hh.tbl)
        return pool;
    heap_free(pool, sizeof *pool);
    return NULL;
}

static struct pool_entry *pool_entry_find(uintptr_t start)
{
    struct pool_entry *entry = NULL;
    HASH_FIND(hh, pool_entries, &start, sizeof start, entry);
    return entry;
}

static void pool_entry_link(struct pool_entry *entry, struct pool *pool)
{
    entry->pool = pool;
    entry->before = NULL;
    entry->next = pool->first;
    if (pool->first)
        pool->first->before = entry;
    pool->first = entry;
}

static void pool_entry_drop(struct pool_entry *entry)
{
    pool_count_free(&entry->block);
    if (entry->before)
        entry->before->next = entry->next;
    else
        entry->pool->first = entry->next;
    if (entry->next)
        entry->next->before = entry->before;
    HASH_DEL(pool_entries, entry);
    heap_free(entry, sizeof *entry);
}

static void pool_entry_add(struct pool *pool, const struct pool_block *block)
{
    struct pool_entry *old = pool_entry_find(block->start);
    if (old)
        pool_entry_drop(old); /* its free was not told */
    struct pool_entry *entry = heap_alloc(sizeof *entry);
    if (entry == NULL)
        return;
    entry->block = *block;
    HASH_ADD(hh, pool_entries, block.start, sizeof entry->block.start, entry);
    if (entry->hh.tbl == NULL) {
        heap_free(entry, sizeof *entry);
        return;
    }
    pool_entry_link(entry, pool);
    pool_count_alloc(block);
}

static struct pool_entry *pool_entry_of(uintptr_t pool, uintptr_t start)
{
    struct pool_entry *entry = pool_entry_find(start);
    return entry && entry->pool->name == pool ? entry : NULL;
}

static void pool_destroy_locked(uintptr_t name)
{
    struct pool *pool = pool_find(name);
    if (pool == NULL)
        return;
    while (pool->first)
        pool_entry_drop(pool->first);
    HASH_DEL(pools, pool);
    heap_free(pool, sizeof *pool);
}

/* The block's site counts it anew, with the part that is left. */
static void pool_entry_replace(struct pool_entry *entry, uintptr_t start, size_t size)
{
    struct pool *pool = entry->pool;
    struct pool_block block = entry->block;
    pool_entry_drop(entry);
    block.start = start;
    block.size = size;
    block.inherited = false;
    pool_entry_add(pool, &block);
}

static void pool_entry_trim(struct pool_entry *entry, uintptr_t start, uintptr_t end)
{
    uintptr_t low = entry->block.start, high = low + entry->block.size;
    if (low >= end || high <= start) {
        pool_entry_drop(entry);
        return;
    }
    if (low >= start && high <= end)
        return;
    uintptr_t from = low < start ? start : low, to = high > end ? end : high;
    pool_entry_replace(entry, from, to - from);
}

static void pool_trim_locked(uintptr_t name, uintptr_t start, uintptr_t end)
{
    struct pool *pool = pool_find(name);
    struct pool_entry *next;
    for (struct pool_entry *entry = pool ? pool->first : NULL; entry; entry = next) {
        next = entry->next; /* what is replaced comes first again, behind us */
        pool_entry_trim(entry, start, end);
    }
}

static void pool_move_locked(uintptr_t name, uintptr_t moved)
{
    struct pool *pool = pool_find(name);
    if (pool == NULL || name == moved)
        return;
    pool_destroy_locked(moved);
    HASH_DEL(pools, pool);
    pool->name = moved;
    HASH_ADD(hh, pools, name, sizeof pool->name, pool);
}

/* ---- what the program tells ---- */

void pool_create(uintptr_t pool)
{
    bool taken = lock_enter(&pool_lock);
    pool_destroy_locked(pool);
    pool_make(pool);
    lock_leave(&pool_lock, taken);
}

void pool_destroy(uintptr_t pool)
{
    bool taken = lock_enter(&pool_lock);
    pool_destroy_locked(pool);
    lock_leave(&pool_lock, taken);
}

void pool_alloc(uintptr_t pool, const struct pool_block *block)
{
    bool taken = lock_enter(&pool_lock);
    struct pool *made = pool_make(pool);
    if (made)
        pool_entry_add(made, block);
    lock_leave(&pool_lock, taken);
}

void pool_free(uintptr_t pool, uintptr_t start)
{
    bool taken = lock_enter(&pool_lock);
    struct pool_entry *entry = pool_entry_of(pool, start);
    if (entry)
        pool_entry_drop(entry);
    lock_leave(&pool_lock, taken);
}

void pool_trim(uintptr_t pool, uintptr_t start, size_t size)
{
    bool taken = lock_enter(&pool_lock);
    pool_trim_locked(pool, start, start + size);
    lock_leave(&pool_lock, taken);
}

void pool_move(uintptr_t pool, uintptr_t moved)
{
    bool taken = lock_enter(&pool_lock);
    pool_move_locked(pool, moved);
    lock_leave(&pool_lock, taken);
}

void pool_change(uintptr_t pool, uintptr_t start, uintptr_t moved, size_t size)
{
    bool taken = lock_enter(&pool_lock);
    struct pool_entry *entry = pool_entry_of(pool, start);
    if (entry)
        pool_entry_replace(entry, moved, size);
    lock_leave(&pool_lock, taken);
}

bool pool_ignore(uintptr_t start)
{
    bool taken = lock_enter(&pool_lock);
    struct pool_entry *entry = pool_entry_find(start);
    if (entry)
        entry->block.ignored = true;
    lock_leave(&pool_lock, taken);
    return entry != NULL;
}

void pool_each(void (*visit)(const struct pool_block *block, void *context), void *context)
{
    bool taken = lock_enter(&pool_lock);
    for (const struct pool_entry *entry = pool_entries; entry; entry = entry->hh.next)
        visit(&entry->block, context);
    lock_leave(&pool_lock, taken);
}

uint64_t pool_count(void)
{
    bool taken = lock_enter(&pool_lock);
    uint64_t count = HASH_COUNT(pool_entries);
    lock_leave(&pool_lock, taken);
    return count;
}

/* ---- fork ---- */

void pool_fork_prepare(void)
{
    lock_hold(&pool_lock);
}

void pool_fork_parent(void)
{
    lock_release(&pool_lock);
}

void pool_fork_child(bool whole)
{
    if (!lock_reset(&pool_lock) || whole)
        return;
    pools = NULL;
    pool_entries = NULL;
}

void pool_inherit(void)
{
    for (struct pool_entry *entry = pool_entries; entry; entry = entry->hh.next) {
        struct mtf_site *site = pool_site(entry->block.site);
        entry->block.inherited = true;
        if (site == NULL)
            continue;
        site->inherited_blocks++;
        site->inherited_bytes += entry->block.size;
    }
}

void pool_renumber(const uint32_t *numbers)
{
    for (struct pool_entry *entry = pool_entries; entry; entry = entry->hh.next)
        entry->block.site = numbers[entry->block.site];
}
