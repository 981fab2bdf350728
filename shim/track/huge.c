#include "track/huge.h"
#include "base/heap.h"
#include "base/lock.h"

#include <stdint.h>

/* The shim must not call malloc, and must not end its host when memory is short. */
#define uthash_malloc(size) heap_alloc(size)
#define uthash_free(piece, size) heap_free((piece), (size))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct huge_block {
    const void *address;
    size_t size;
    UT_hash_handle hh;
};

static struct lock huge_lock = {.rank = LOCK_HUGE};
static struct huge_block *huge_blocks; /* under huge_lock */

static bool huge_put_locked(const void *address, size_t size)
{
    struct huge_block *block = heap_alloc(sizeof *block);
    if (block == NULL)
        return false;
    block->address = address;
    block->size = size;
    HASH_ADD_PTR(huge_blocks, address, block);
    if (block->hh.tbl)
        return true;
    heap_free(block, sizeof *block);
    return false;
}

bool huge_put(const void *address, size_t size)
{
    bool taken = lock_enter(&huge_lock);
    bool kept = huge_put_locked(address, size);
    lock_leave(&huge_lock, taken);
    return kept;
}

static size_t huge_get_locked(const void *address, bool take)
{
    struct huge_block *block = NULL;
    HASH_FIND_PTR(huge_blocks, &address, block);
    if (block == NULL)
        return HUGE_LEAST;
    size_t size = block->size;
    if (take) {
        HASH_DEL(huge_blocks, block);
        heap_free(block, sizeof *block);
    }
    return size;
}

size_t huge_get(const void *address, bool take)
{
    bool taken = lock_enter(&huge_lock);
    size_t size = huge_get_locked(address, take);
    lock_leave(&huge_lock, taken);
    return size;
}

void huge_fork_prepare(void)
{
    lock_hold(&huge_lock);
}

void huge_fork_parent(void)
{
    lock_release(&huge_lock);
}

void huge_fork_child(bool whole)
{
    if (lock_reset(&huge_lock) && !whole)
        huge_blocks = NULL;
}
