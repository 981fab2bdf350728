/*
 * Keeps       the shim's own private memory: what is neither in the report file nor on a stack.
 * Invariant   pieces are powers of two from HEAP_SMALLEST bytes; a freed piece is given out again
 *             for the same power only. Pieces above HEAP_CHUNK / 2 are mappings of their own.
 * Threads     any; takes LOCK_HEAP, the last in order.
 * Memory      chunks of HEAP_CHUNK bytes that are never given back; big pieces are unmapped.
 * On failure  NULL; the caller counts what it could not keep.
 */
#ifndef MEMTRACK_BASE_HEAP_H
#define MEMTRACK_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define HEAP_CHUNK (256u << 10)
#define HEAP_SMALLEST 32u

/* At least `size` zeroed bytes, aligned to 32 (to a page from 4096 bytes up). */
void *heap_alloc(size_t size);
/* Takes back what heap_alloc gave for the same `size`. */
void heap_free(void *piece, size_t size);
void heap_fork_prepare(void);
void heap_fork_parent(void);
/* `whole`: the lock was held for the fork. Otherwise, if a thread was changing the lists, what they
   hold is given up: pieces already given out stay valid. */
void heap_fork_child(bool whole);

#endif
