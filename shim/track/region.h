/*
 * Keeps       the live blocks of one region: REGION_BYTES of address space.
 * Invariant   bit g of the bitmap is set if and only if a block begins in granule g; its entry's
 * index is the number of lower bits set. `entries` is a pointer to room for 2^class entries, the
 *             class in its low bits, or 0 where the bitmap is.
 * Threads     the holder of the shard's lock, to which the pool belongs.
 * Memory      pieces of 16 to 1024 bytes from the pool's slabs, given back to its lists.
 * On failure  region_add returns NULL; nothing changed.
 */
#ifndef MEMTRACK_TRACK_REGION_H
#define MEMTRACK_TRACK_REGION_H

#include "base/compiler.h"
#include "bits.h" /* of the architecture */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_SHIFT 10
#define REGION_BYTES (1ul << REGION_SHIFT)
#define REGION_GRANULE_SHIFT 4 /* 64 granules, one bit each */
#define REGION_CLASS_MAX 6u
#define REGION_CLASS_MASK 15ul

struct region_entry {
    uint32_t size;
    uint32_t site;
    uint64_t tag;
};

struct region {
    uint64_t bitmap;
    uintptr_t entries;
};

struct region_piece {
    struct region_piece *next;
};

/* Room for entries. */
struct region_pool {
    struct region_piece *free[REGION_CLASS_MAX + 1];
    char *slab;
    size_t slab_left;
};

MT_INLINE struct region_entry *region_entries(const struct region *region)
{
    return (struct region_entry *)(region->entries & ~REGION_CLASS_MASK);
}

MT_INLINE unsigned region_class(const struct region *region)
{
    return region->entries & REGION_CLASS_MASK;
}

MT_INLINE uint64_t region_bit(uintptr_t address)
{
    return 1ull << (address >> REGION_GRANULE_SHIFT & 63);
}

/* The entry of the block that begins at the bit's granule, which must be set. */
MT_INLINE struct region_entry *region_find(const struct region *region, uint64_t bit)
{
    return region_entries(region) + arch_popcount(region->bitmap & (bit - 1));
}

/* Makes place for an entry at a bit that is not set. The caller fills it. */
struct region_entry *region_add(struct region_pool *pool, struct region *region, uint64_t bit);
/* Takes out the entry that region_find gave for the bit. */
void region_drop(struct region_pool *pool, struct region *region, uint64_t bit,
                 struct region_entry *place);
/* Bitmap and room agree; for tests. */
bool region_check(const struct region *region);

#endif
