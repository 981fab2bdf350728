/*
 * Keeps       the live blocks of one region: REGION_BYTES of address space.
 * Invariant   bit g of the bitmap is set if and only if a block begins in granule g; its entry's
 *             index is the number of lower bits set. `entries` is a pointer to room for
 *             region_room[class] entries, the class in its low bits, or 0 where the bitmap is.
 * Threads     the holder of the shard's lock, to which the pool belongs.
 * Memory      pieces of 16 to 768 bytes from the pool's slabs, given back to its lists.
 * On failure  region_add returns NULL; nothing changed.
 *
 * An entry is 12 bytes, for there are millions: 40 bits of sequence number, 22 of site, 18 of size,
 * 16 of thread.
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
#define REGION_CLASSES 14u
#define REGION_CLASS_MASK 15ul

#define REGION_SIZE_BITS 18
#define REGION_SIZE_MAX ((1u << REGION_SIZE_BITS) - 1)
#define REGION_SITE_BITS 22
#define REGION_SITE_MAX ((1u << REGION_SITE_BITS) - 1)
#define REGION_THREAD_MAX 0xffffu
#define REGION_SEQUENCE_MAX ((1ull << 40) - 1)

/* A packed entry: `tag` holds sequence, site and the thread's two highest bits; `rest` its others and
   the size. */
struct region_entry {
    uint64_t tag;
    uint32_t rest;
} __attribute__((packed, aligned(4)));

/* Entries that a piece of each class has room for: next to no byte of it is left over, and no region
   has much more room than it needs. */
extern const uint8_t region_room[REGION_CLASSES];

struct region {
    uint64_t bitmap;
    uintptr_t entries;
};

struct region_piece {
    struct region_piece *next;
};

/* Room for entries. */
struct region_pool {
    struct region_piece *free[REGION_CLASSES];
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

MT_INLINE void region_pack(struct region_entry *entry, uint64_t sequence, uint32_t site,
                           uint32_t size, uint32_t thread)
{
    entry->tag = sequence << 24 | (uint64_t)site << 2 | thread >> 14;
    entry->rest = thread << REGION_SIZE_BITS | size;
}

MT_INLINE uint64_t region_sequence(const struct region_entry *entry)
{
    return entry->tag >> 24;
}

MT_INLINE uint32_t region_site(const struct region_entry *entry)
{
    return (uint32_t)(entry->tag >> 2) & REGION_SITE_MAX;
}

MT_INLINE uint32_t region_size(const struct region_entry *entry)
{
    return entry->rest & REGION_SIZE_MAX;
}

MT_INLINE uint32_t region_thread(const struct region_entry *entry)
{
    return ((uint32_t)entry->tag & 3) << 14 | entry->rest >> REGION_SIZE_BITS;
}

/* Room for one more entry behind the present `count`; false if there is no memory. */
bool region_grow(struct region_pool *pool, struct region *region, unsigned count);
/* After an entry was taken out of a region that has `left`: gives room back, if it is time. */
void region_shrink(struct region_pool *pool, struct region *region, unsigned left);

/* Makes place for an entry at a bit that is not set. The caller fills it. */
MT_INLINE struct region_entry *region_add(struct region_pool *pool, struct region *region,
                                          uint64_t bit)
{
    unsigned count = arch_popcount(region->bitmap);
    if (MT_UNLIKELY(count == 0 || count == region_room[region_class(region)]) &&
        !region_grow(pool, region, count))
        return NULL;
    unsigned below = arch_popcount(region->bitmap & (bit - 1));
    struct region_entry *place = region_entries(region) + below;
    if (below < count)
        __builtin_memmove(place + 1, place, (count - below) * sizeof *place);
    region->bitmap |= bit;
    return place;
}

/* Takes out the entry that region_find gave for the bit. */
MT_INLINE void region_drop(struct region_pool *pool, struct region *region, uint64_t bit,
                           struct region_entry *place)
{
    region->bitmap &= ~bit;
    unsigned left = arch_popcount(region->bitmap);
    unsigned above = left - (unsigned)(place - region_entries(region));
    if (above)
        __builtin_memmove(place, place + 1, above * sizeof *place);
    if (MT_UNLIKELY(left <= region_room[region_class(region)] / 4u))
        region_shrink(pool, region, left);
}

/* Bitmap and room agree; for tests. */
bool region_check(const struct region *region);

#endif
