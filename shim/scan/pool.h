/*
 * Keeps       the blocks of the program's own pools and allocators, as it tells them (memtrack.h).
 * Invariant   each block belongs to one pool; an address begins at most one.
 * Threads     any, inside the shim; takes LOCK_POOL.
 * Memory      private: some 130 bytes a block and a pool (uthash).
 * On failure  a block or pool for which there is no memory is not kept. What names an unknown pool or block
 *             changes nothing.
 */
#ifndef MEMTRACK_SCAN_POOL_H
#define MEMTRACK_SCAN_POOL_H

#include "base/self.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_block {
    uintptr_t start;
    size_t size;
    uint64_t sequence; /* of the newest heap block when it was allocated */
    uint32_t site;     /* of domain MTF_DOMAIN_POOLS */
    uint32_t thread;
    bool inherited; /* from before a fork */
    bool ignored;
};

void pool_create(uintptr_t pool);
void pool_destroy(uintptr_t pool);
/* Allocates the block from the pool, which need not have been created. */
void pool_alloc(uintptr_t pool, const struct pool_block *block);
void pool_free(uintptr_t pool, uintptr_t start);
void pool_trim(uintptr_t pool, uintptr_t start, size_t size);
void pool_move(uintptr_t pool, uintptr_t moved);
/* The block stays what it is, elsewhere or of another size. */
void pool_change(uintptr_t pool, uintptr_t start, uintptr_t moved, size_t size);
/* The block is no leak; false if none begins there. */
bool pool_ignore(uintptr_t start);
/* Calls visit for each block, in no order, with the lock held. */
void pool_each(void (*visit)(const struct pool_block *block, void *context), void *context);

uint64_t pool_count(void);

void pool_fork_prepare(void);
void pool_fork_parent(void);
/* `whole` as in live_fork_child. */
void pool_fork_child(bool whole);
/* In a forked child with its own books: what is there is inherited. */
void pool_inherit(void);
/* After that: sites have new numbers (site_shrink). */
void pool_renumber(const uint32_t *numbers);

#endif
