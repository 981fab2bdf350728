/*
 * Keeps       the live blocks of one region: REGION_BYTES of address space.
 * Invariant   bit i of `used` is set if and only if slot i of the piece holds a block:
 *
 *               piece  [ tags: a byte for each slot | entries: 12 bytes for each slot ]
 *
 *             The tag is the granule in which the block begins; no two used slots have the same.
 *             `piece` is 0, or its room in slots (63..56), its address and its class (3..0).
 * Threads     the holder of the shard's lock, to which the pool belongs.
 * Memory      pieces of 32 to 832 bytes from the pool's slabs, given back to its lists.
 * On failure  region_add returns NULL; nothing changed.
 *
 * An entry is 12 bytes, for there are millions: 40 bits of sequence number, 22 of site, 18 of size,
 * 16 of thread. Without order, adding and removing a block are the same few instructions whatever
 * else is there; sorted entries cost a memmove whose length no branch predictor guesses. A block that
 * goes leaves its tag: one that is handed out again at once finds it there.
 */
#ifndef MEMTRACK_TRACK_REGION_H
#define MEMTRACK_TRACK_REGION_H

#include "base/compiler.h"
#include "bytes.h" /* of the architecture */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_SHIFT 10
#define REGION_BYTES (1ul << REGION_SHIFT)
#define REGION_GRANULE_SHIFT 4
#define REGION_GRANULES (REGION_BYTES >> REGION_GRANULE_SHIFT)
#define REGION_CLASSES 8u
#define REGION_CLASS_MASK 15ull
#define REGION_ROOM_SHIFT 56
#define REGION_PIECE_MASK ((1ull << REGION_ROOM_SHIFT) - 1 - REGION_CLASS_MASK)
#define REGION_ROOM_KEPT 8u /* slots: a smaller piece stays when its last block goes */

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

struct region {
    uint64_t used;
    uint64_t piece;
};

struct region_piece {
    struct region_piece *next;
};

/* Room for blocks. */
struct region_pool {
    struct region_piece *free[REGION_CLASSES];
    char *slab;
    size_t slab_left;
};

MT_INLINE uint8_t *region_tags(const struct region *region)
{
    return (uint8_t *)(uintptr_t)(region->piece & REGION_PIECE_MASK);
}

MT_INLINE unsigned region_room(const struct region *region)
{
    return (unsigned)(region->piece >> REGION_ROOM_SHIFT);
}

/* Behind whole sixteens of tags: those are read 16 at a time, and an entry among them that was written
   lately would have to leave the store buffer first. */
MT_INLINE struct region_entry *region_entries(const struct region *region)
{
    return (struct region_entry *)(region_tags(region) + ((region_room(region) + 15) & ~15u));
}

/* The granule of its region in which an address lies. */
MT_INLINE uint8_t region_tag(uintptr_t address)
{
    return address >> REGION_GRANULE_SHIFT & (REGION_GRANULES - 1);
}

/* Slot of the block that begins in a granule, as a bit; 0 if none does. */
MT_INLINE uint64_t region_find(const struct region *region, uint8_t tag)
{
    if (MT_UNLIKELY(region->used == 0))
        return 0;
    return arch_match_bytes(region_tags(region), tag, region_room(region)) & region->used;
}

/* Blocks that came one behind the other have slots in the order of their addresses: the entry is asked
   for while its tag comes. */
MT_INLINE void region_prefetch(const struct region *region, uint8_t tag)
{
    size_t guess = (size_t)tag * region_room(region) / REGION_GRANULES;
    __builtin_prefetch(region_entries(region) + guess, 1);
}

/* The entry of a slot that region_find gave. */
MT_INLINE struct region_entry *region_entry_of(const struct region *region, uint64_t bit)
{
    return region_entries(region) + __builtin_ctzll(bit);
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

/* Room for one more block; false if there is no memory. */
bool region_grow(struct region_pool *pool, struct region *region);
/* Gives all room back, and with it what was there. */
void region_clear(struct region_pool *pool, struct region *region);

/* An entry for a block whose tag is not there, which the caller fills; NULL without memory. */
MT_INLINE struct region_entry *region_add(struct region_pool *pool, struct region *region,
                                          uint8_t tag)
{
    /* Not all slots of the largest piece are used: then every tag would be there. */
    unsigned slot = (unsigned)__builtin_ctzll(~region->used);
    if (MT_UNLIKELY(slot >= region_room(region)) && !region_grow(pool, region))
        return NULL;
    uint8_t *tags = region_tags(region);
    if (MT_UNLIKELY(tags[slot] != tag))
        tags[slot] = tag;
    region->used |= 1ull << slot;
    return region_entries(region) + slot;
}

/* Takes out the block of a slot that region_find gave. */
MT_INLINE void region_drop(struct region_pool *pool, struct region *region, uint64_t bit)
{
    region->used &= ~bit;
    if (MT_UNLIKELY(region->used == 0 && region_room(region) > REGION_ROOM_KEPT))
        region_clear(pool, region);
}

/* The granules in which blocks begin, as bits, and the slots of those blocks. */
uint64_t region_order(const struct region *region, uint8_t slots[REGION_GRANULES]);
/* No tag is there twice, and all blocks have room; for tests. */
bool region_check(const struct region *region);

#endif
