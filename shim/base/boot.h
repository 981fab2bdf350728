/*
 * Keeps       memory for allocations that are made while the next allocator's functions are being
 *             looked up (dlsym may call calloc).
 * Invariant   a piece lies wholly inside the pool, is aligned as asked, and is preceded by its
 *             size.
 * Threads     any; allocation is one compare and exchange.
 * Memory      BOOT_POOL static bytes; freed pieces are not used again.
 * On failure  NULL, as malloc does when memory is short; what is left serves smaller requests.
 */
#ifndef MEMTRACK_BASE_BOOT_H
#define MEMTRACK_BASE_BOOT_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_POOL (64u << 10)

extern char boot_pool[BOOT_POOL];

/* Is it a pointer that boot_alloc gave? Cheap enough for every free. */
MT_INLINE bool boot_owns(const void *block)
{
    return (uintptr_t)block - (uintptr_t)boot_pool < BOOT_POOL;
}

/* Zeroed; `alignment` a power of two. */
void *boot_alloc(size_t alignment, size_t size);
/* Size that was asked for. */
size_t boot_size(const void *block);
/* Bytes of the pool from its start that were given out so far. */
size_t boot_used_bytes(void);
/* Pieces given out so far. */
uint64_t boot_count(void);

#endif
