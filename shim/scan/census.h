/*
 * Keeps       the blocks of one leak check: heap blocks, mappings and blocks of the program's pools, in
 *             order of address, and the way from any address to the block that holds it.
 * Invariant   blocks do not overlap: one that holds others (a pool's chunk, an allocator's arena) is
 *             left out, as Valgrind leaves out what holds the blocks of a pool.
 *
 *               area of 256 KiB in which blocks begin (hash) -> one bucket per 1 KiB: the first
 *               block that begins there
 *               elsewhere -> the blocks that reach beyond their area, by binary search
 *
 * Threads     the one that checks for leaks, while nothing changes.
 * Memory      private, until census_drop: 33 bytes a block, and for each area where a block begins 1 KiB
 *             of buckets and 56 bytes: some 1/240 of a dense heap, and never more than 1.2 KiB a block.
 * On failure  census_take returns false: no memory.
 */
#ifndef MEMTRACK_SCAN_CENSUS_H
#define MEMTRACK_SCAN_CENSUS_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CENSUS_NONE UINT32_MAX
#define CENSUS_AREA_SHIFT 18
#define CENSUS_BUCKET_SHIFT 10
#define CENSUS_BUCKETS (1u << (CENSUS_AREA_SHIFT - CENSUS_BUCKET_SHIFT))

struct census_block {
    uintptr_t start;
    size_t size;       /* bytes that were asked for */
    uint64_t sequence; /* and, in the lowest bits, the thread: CENSUS_THREAD_BITS */
    uint32_t site;
    uint32_t holder; /* 1 + index of the lost block that was found to point at it; 0 if none */
};
#define CENSUS_THREAD_BITS 20

/* A block's state: one of these, and bits. */
enum {
    CENSUS_UNREACHED = 0,
    CENSUS_INDIRECT = 1,
    CENSUS_POSSIBLE = 2,
    CENSUS_REACHABLE = 3,
};
#define CENSUS_STATE 0x03u
#define CENSUS_WAITING 0x04u /* for being scanned */
#define CENSUS_MAPPING 0x08u
#define CENSUS_POOLED 0x10u    /* by the program's own allocator (memtrack.h) */
#define CENSUS_OUTER 0x20u     /* holds others; only while the census is taken */
#define CENSUS_IGNORED 0x40u   /* the program said so */
#define CENSUS_INHERITED 0x80u /* from before a fork */

struct census_area;

struct census {
    struct census_block *blocks;
    unsigned char *states;
    uint32_t count;
    uint32_t room;
    uintptr_t low; /* of all blocks */
    uintptr_t high;
    struct census_area *areas;  /* hash by number */
    struct census_area *newest; /* of them, the one that was filled last */
    uint32_t area_mask;
    uint32_t area_count;
    uint32_t *buckets; /* CENSUS_BUCKETS + 1 for each area */
    uint32_t *ranks;   /* slots of `areas` in order of their numbers */
    uint32_t *spans;   /* blocks that reach beyond their area, in order */
    uint32_t span_count;
    bool may_nest; /* not all are blocks of one allocator */
};

/* Calls `add` once for each block there is, in any order, the same in each of two calls. */
typedef void (*census_source)(struct census *census);

/* `source` calls census_add for each block; in the first of its two calls census_expect does for many. */
bool census_take(struct census *census, census_source source);
/* Is it the first call? */
static inline bool census_is_counting(const struct census *census)
{
    return census->blocks == NULL;
}
/* So many blocks will come that begin in the area of this number (address >> CENSUS_AREA_SHIFT). */
void census_expect(struct census *census, uint64_t number, uint64_t blocks);
void census_add(struct census *census, uintptr_t start, size_t size, uint64_t sequence,
                uint32_t thread, uint32_t site, unsigned char flags);
void census_drop(struct census *census);
/* Index of the block that holds an address; CENSUS_NONE if none does. A block of no bytes holds its own
   address. */
uint32_t census_find(const struct census *census, uintptr_t address);
/* The same in parts, for many addresses: has the bucket of an address fetched, and then, with what that gave (NULL
   if there is no bucket), the blocks that it leads to. */
const uint32_t *census_prefetch(const struct census *census, uintptr_t address);
void census_prefetch_blocks(const struct census *census, const uint32_t *bucket, uintptr_t address);
/* Sorted, no overlap, and each block found at its first and last byte; for tests. */
bool census_check(const struct census *census);

#endif
