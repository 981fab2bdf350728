/*
 * Keeps       the live table's insides, for its own file and for the straight way of an event: an
 *             area and a region that exist, a block of ordinary size.
 * Invariant   as in track/live.h.
 * Threads     the holder of LOCK_TOTAL while total_is_plain, of the shard's lock otherwise.
 * Memory      as in track/live.h.
 * On failure  false: nothing changed, and live_insert or live_remove has to look.
 */
#ifndef MEMTRACK_TRACK_LIVE_TABLE_H
#define MEMTRACK_TRACK_LIVE_TABLE_H

#include "base/atomic.h"
#include "base/lock.h"
#include "track/live.h"
#include "track/region.h"

#define LIVE_AREA_REGIONS (1u << (LIVE_AREA_SHIFT - REGION_SHIFT))
#define LIVE_SHARDS 64u
#define LIVE_KEY_NONE UINT64_MAX       /* of a slot without an area */
#define LIVE_SIZE_HUGE REGION_SIZE_MAX /* in an entry: see track/huge.h */

/* A slot of a shard's table of areas; unused where regions is NULL, and then no address has its key: 0
   or LIVE_KEY_NONE. */
struct live_area {
    uint64_t key; /* see live_key */
    struct region *regions;
    uint64_t blocks;
};

/* An area's regions while no block is in it: all zero but for this. */
struct live_spare {
    struct live_spare *next;
};

struct live_shard {
    struct lock lock;
    struct live_area *newest; /* the area asked for last; an empty one before there are any */
    uint32_t mask;
    uint32_t used; /* areas */
    struct live_area *areas;
    uint64_t idle; /* key of the area that became empty last: it stays */
    struct live_spare *spare;
    struct region_pool pool;
} __attribute__((aligned(64)));

extern struct live_shard live_shards[LIVE_SHARDS]; /* each under its own lock */
/* The shard that an event changes under LOCK_TOTAL alone, or did last: a forked child gives it up if that
   lock was held by somebody else. LOCK_TOTAL */
extern struct live_shard *live_changing;

/* Addresses that are no multiple of 16 have areas of their own, by their low bits. */
MT_INLINE uint64_t live_key(uintptr_t address)
{
    return address >> LIVE_AREA_SHIFT | (uint64_t)(address & 15) << 60;
}

MT_INLINE uint64_t live_hash(uint64_t key)
{
    return key * 0x9e3779b97f4a7c15ull; /* 2^64 / the golden ratio: Knuth 6.4 */
}

MT_INLINE struct live_shard *live_shard(uint64_t key)
{
    return &live_shards[live_hash(key) >> 58];
}

MT_INLINE struct region *live_region(const struct live_area *area, uintptr_t address)
{
    return &area->regions[address >> REGION_SHIFT & (LIVE_AREA_REGIONS - 1)];
}

/* The area becomes the newest, if it is there. */
bool live_turn_to(struct live_shard *shard, uint64_t key);

MT_INLINE bool live_meets(struct live_shard *shard, uint64_t key)
{
    const struct live_area *area = shard->newest;
    return MT_LIKELY(area->key == key) || live_turn_to(shard, key);
}

/* `thread` is at most LIVE_THREAD_MAX, `size` below LIVE_SIZE_HUGE. */
MT_INLINE bool live_try_insert_locked(struct live_shard *shard, uint64_t key, uintptr_t address,
                                      uint64_t sequence, uint32_t site, uint32_t size,
                                      uint32_t thread)
{
    if (MT_UNLIKELY(!live_meets(shard, key)))
        return false;
    struct live_area *area = shard->newest;
    store_relaxed(&live_changing, shard);
    struct region *region = live_region(area, address);
    uint8_t tag = region_tag(address);
    if (MT_UNLIKELY(region_find(region, tag) != 0))
        return false;
    struct region_entry *entry = region_add(&shard->pool, region, tag);
    if (MT_UNLIKELY(entry == NULL))
        return false;
    region_pack(entry, sequence, site, size, thread);
    area->blocks++;
    return true;
}

/* Where a block was found. */
struct live_place {
    struct live_area *area;
    struct region *region;
    uint64_t bit;
    const struct region_entry *entry;
};

/* False also for the last block of its area and for a large one. */
MT_INLINE bool live_look_locked(struct live_shard *shard, uint64_t key, uintptr_t address,
                                struct live_place *place)
{
    if (MT_UNLIKELY(!live_meets(shard, key)))
        return false;
    struct live_area *area = shard->newest;
    struct region *region = live_region(area, address);
    region_prefetch(region, region_tag(address));
    uint64_t bit = region_find(region, region_tag(address));
    if (MT_UNLIKELY(bit == 0))
        return false;
    const struct region_entry *entry = region_entry_of(region, bit);
    *place = (struct live_place){area, region, bit, entry};
    return MT_LIKELY(region_size(entry) != LIVE_SIZE_HUGE && area->blocks > 1);
}

/* Takes out what live_look_locked found just now. */
MT_INLINE void live_take_locked(struct live_shard *shard, const struct live_place *place)
{
    store_relaxed(&live_changing, shard);
    region_drop(&shard->pool, place->region, place->bit);
    place->area->blocks--;
}

MT_INLINE bool live_try_remove_locked(struct live_shard *shard, uint64_t key, uintptr_t address,
                                      struct live_block *found)
{
    struct live_place place;
    if (!live_look_locked(shard, key, address, &place))
        return false;
    found->size = region_size(place.entry);
    found->site = region_site(place.entry);
    found->sequence = region_sequence(place.entry);
    found->thread = region_thread(place.entry);
    live_take_locked(shard, &place);
    return true;
}

#endif
