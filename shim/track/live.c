#include "track/live.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/heap.h"
#include "base/lock.h"
#include "track/huge.h"

#include <string.h>

#define REGION_SHIFT 10
#define GRANULE_SHIFT 4
#define SHARD_SHIFT 20
#define SHARD_COUNT 64u
#define SHARD_SLOTS_FIRST 64u
#define SLAB_BYTES 4096u
#define CLASS_MAX 6u /* 2^6 entries: one per granule of a region */
#define SIZE_HUGE UINT32_MAX
#define THREAD_BITS 20

struct entry {
    uint32_t size; /* SIZE_HUGE: see track/huge.h */
    uint32_t site;
    uint64_t tag; /* sequence << THREAD_BITS | thread */
};

/*
 * key: region number << REGION_SHIFT | low 4 address bits << 4 | class. Class 0: `one` is the only
 * entry; else `many` has room for 2^class. An empty slot has no bit set in its bitmap.
 */
struct slot {
    uint64_t key;
    uint64_t bitmap;
    union {
        struct entry one;
        struct entry *many;
    };
};

struct free_entries {
    struct free_entries *next;
};

struct shard {
    struct lock lock;
    uint32_t mask;
    uint32_t used; /* slots */
    uint64_t blocks;
    struct slot *slots;
    struct free_entries *free_list[CLASS_MAX + 1];
    char *slab;
    uint32_t slab_left;
} __attribute__((aligned(64)));

static struct shard live_shards[SHARD_COUNT]; /* each under its own lock */
static uint64_t live_lost_at_fork;            /* by the only thread of a forked child */

#define KEY_CLASS_MASK 15ull

static inline struct shard *live_shard(uintptr_t address)
{
    return &live_shards[((address >> SHARD_SHIFT) * 0x9e3779b97f4a7c15ull) >> 58];
}

static inline uint64_t live_key(uintptr_t address)
{
    return (address >> REGION_SHIFT << REGION_SHIFT) | (address & 15) << 4;
}

static inline unsigned live_granule(uintptr_t address)
{
    return address >> GRANULE_SHIFT & 63;
}

/* Four neighbouring regions lie in neighbouring slots; beyond that, places are scattered. */
static inline uint32_t live_home(uint64_t key)
{
    uint64_t h = (key >> (REGION_SHIFT + 2)) * 0x9e3779b97f4a7c15ull + (key & 0xf0);
    return (uint32_t)(h >> 32) * 4 + (uint32_t)(key >> REGION_SHIFT & 3);
}

/* Bits set (Hacker's Delight, 5-2): the instruction for it is not in every x86-64. */
static inline unsigned live_popcount(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555ull;
    x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(x * 0x0101010101010101ull >> 56);
}

static inline unsigned live_class(const struct slot *slot)
{
    return slot->key & KEY_CLASS_MASK;
}

static inline struct entry *live_entries(struct slot *slot)
{
    return live_class(slot) == 0 ? &slot->one : slot->many;
}

static inline bool live_slot_is(const struct slot *slot, uint64_t key)
{
    return slot->bitmap != 0 && (slot->key & ~KEY_CLASS_MASK) == key;
}

/* The region's slot, or the empty one where it belongs. */
static inline struct slot *live_find(const struct shard *shard, uint64_t key)
{
    for (uint32_t at = live_home(key);; at++) {
        struct slot *slot = &shard->slots[at & shard->mask];
        if (slot->bitmap == 0 || live_slot_is(slot, key))
            return slot;
    }
}

/* Entries of one class come from slabs of the shard and go back to its list. */
static struct entry *live_take_entries(struct shard *shard, unsigned class)
{
    struct free_entries *free = shard->free_list[class];
    uint32_t size = (uint32_t)sizeof(struct entry) << class;
    if (free) {
        shard->free_list[class] = free->next;
        return (struct entry *)free;
    }
    if (shard->slab_left < size) {
        char *slab = heap_alloc(SLAB_BYTES);
        if (slab == NULL)
            return NULL;
        shard->slab = slab;
        shard->slab_left = SLAB_BYTES;
    }
    struct entry *entries = (struct entry *)shard->slab;
    shard->slab += size;
    shard->slab_left -= size;
    return entries;
}

static void live_give_entries(struct shard *shard, struct entry *entries, unsigned class)
{
    struct free_entries *free = (struct free_entries *)entries;
    free->next = shard->free_list[class];
    shard->free_list[class] = free;
}

/* Moves `count` entries of a slot to room for 2^class of them (0: into the slot). */
static bool live_change_class(struct shard *shard, struct slot *slot, unsigned class,
                              unsigned count)
{
    unsigned before = live_class(slot);
    struct entry *from = before ? slot->many : NULL;
    if (class == 0) {
        slot->one = from[0];
    } else {
        struct entry *to = live_take_entries(shard, class);
        if (to == NULL)
            return false;
        memcpy(to, live_entries(slot), count * sizeof *to);
        slot->many = to;
    }
    if (before)
        live_give_entries(shard, from, before);
    slot->key = (slot->key & ~KEY_CLASS_MASK) | class;
    return true;
}

static bool live_grow(struct shard *shard)
{
    uint32_t size = shard->slots ? (shard->mask + 1) * 2 : SHARD_SLOTS_FIRST;
    struct slot *old = shard->slots;
    uint32_t old_size = old ? shard->mask + 1 : 0;
    struct slot *slots = heap_alloc((size_t)size * sizeof *slots);
    if (slots == NULL)
        return false;
    shard->slots = slots;
    shard->mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].bitmap)
            *live_find(shard, old[i].key & ~KEY_CLASS_MASK) = old[i];
    }
    heap_free(old, (size_t)old_size * sizeof *old);
    return true;
}

/* Closes the gap that an emptied slot leaves in its probe sequences (Knuth 6.4, algorithm R). */
static void live_close_gap(struct shard *shard, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & shard->mask;; at = (at + 1) & shard->mask) {
        struct slot *slot = &shard->slots[at];
        if (slot->bitmap == 0)
            break;
        uint32_t home = live_home(slot->key & ~KEY_CLASS_MASK);
        if (((at - home) & shard->mask) < ((at - gap) & shard->mask))
            continue;
        shard->slots[gap] = *slot;
        slot->bitmap = 0;
        gap = at;
    }
    shard->used--;
}

static void live_pack(struct entry *entry, const struct live_block *block)
{
    entry->size = block->size < SIZE_HUGE ? (uint32_t)block->size : SIZE_HUGE;
    entry->site = block->site;
    uint32_t thread = block->thread < LIVE_THREAD_MAX ? block->thread : LIVE_THREAD_MAX;
    entry->tag = block->sequence << THREAD_BITS | thread;
}

/* `take` also removes what is kept elsewhere of a block over 4 GiB. */
static void live_unpack(const struct entry *entry, const void *address, bool take,
                        struct live_block *block)
{
    block->size = entry->size;
    block->site = entry->site;
    block->sequence = entry->tag >> THREAD_BITS;
    block->thread = entry->tag & LIVE_THREAD_MAX;
    if (MT_UNLIKELY(entry->size == SIZE_HUGE))
        block->size = huge_get(address, take);
}

static enum live_result live_add_to_region(struct shard *shard, struct slot *slot,
                                           const void *address, const struct live_block *block,
                                           struct live_block *old)
{
    uint64_t bit = 1ull << live_granule((uintptr_t)address);
    unsigned rank = live_popcount(slot->bitmap & (bit - 1));
    unsigned count = live_popcount(slot->bitmap);
    if (MT_UNLIKELY(slot->bitmap & bit)) {
        live_unpack(&live_entries(slot)[rank], address, true, old);
        live_pack(&live_entries(slot)[rank], block);
        return LIVE_REPLACED;
    }
    unsigned class = live_class(slot);
    if (count >> class && !live_change_class(shard, slot, class + 1, count))
        return LIVE_FULL;
    struct entry *entries = live_entries(slot);
    memmove(entries + rank + 1, entries + rank, (count - rank) * sizeof *entries);
    live_pack(&entries[rank], block);
    slot->bitmap |= bit;
    shard->blocks++;
    return LIVE_INSERTED;
}

static enum live_result live_insert_locked(struct shard *shard, const void *address,
                                           const struct live_block *block, struct live_block *old)
{
    if (MT_UNLIKELY(shard->slots == NULL || shard->used > shard->mask / 3 * 2)) {
        if (!live_grow(shard) && (shard->slots == NULL || shard->used + 8 > shard->mask))
            return LIVE_FULL;
    }
    uint64_t key = live_key((uintptr_t)address);
    struct slot *slot = live_find(shard, key);
    if (slot->bitmap)
        return live_add_to_region(shard, slot, address, block, old);
    slot->key = key;
    slot->bitmap = 1ull << live_granule((uintptr_t)address);
    live_pack(&slot->one, block);
    shard->used++;
    shard->blocks++;
    return LIVE_INSERTED;
}

/* Takes entry `rank` of `count` out of a region, and the region out when it is empty. */
static void live_drop(struct shard *shard, struct slot *slot, unsigned rank, unsigned count,
                      uint64_t bit)
{
    unsigned class = live_class(slot);
    slot->bitmap &= ~bit;
    shard->blocks--;
    if (count == 1) {
        if (class)
            live_give_entries(shard, slot->many, class);
        live_close_gap(shard, (uint32_t)(slot - shard->slots));
        return;
    }
    struct entry *entries = live_entries(slot);
    memmove(entries + rank, entries + rank + 1, (count - 1 - rank) * sizeof *entries);
    /* Back to smaller room at a quarter of it, so that a region does not swing between two. */
    if (class && count - 1 <= 1u << class >> 2)
        live_change_class(shard, slot, class == 2 ? 0 : class - 1, count - 1);
}

static bool live_remove_locked(struct shard *shard, const void *address, uint64_t newest,
                               struct live_block *block)
{
    if (MT_UNLIKELY(shard->slots == NULL))
        return false;
    struct slot *slot = live_find(shard, live_key((uintptr_t)address));
    uint64_t bit = 1ull << live_granule((uintptr_t)address);
    if (!(slot->bitmap & bit))
        return false;
    unsigned rank = live_popcount(slot->bitmap & (bit - 1));
    struct entry *entry = &live_entries(slot)[rank];
    if (entry->tag >> THREAD_BITS > newest)
        return false;
    live_unpack(entry, address, true, block);
    live_drop(shard, slot, rank, live_popcount(slot->bitmap), bit);
    return true;
}

/* A block over 4 GiB whose size cannot be kept beside its entry is not kept at all. */
static MT_COLD enum live_result live_keep_huge_locked(struct shard *shard, const void *address,
                                                      size_t size, enum live_result result)
{
    struct live_block dropped;
    if (result == LIVE_FULL || huge_put(address, size))
        return result;
    live_remove_locked(shard, address, UINT64_MAX, &dropped);
    return LIVE_FULL;
}

enum live_result live_insert(const void *address, const struct live_block *block,
                             struct live_block *old)
{
    struct shard *shard = live_shard((uintptr_t)address);
    bool taken = lock_enter(&shard->lock);
    enum live_result result = live_insert_locked(shard, address, block, old);
    if (MT_UNLIKELY(block->size >= SIZE_HUGE))
        result = live_keep_huge_locked(shard, address, block->size, result);
    lock_leave(&shard->lock, taken);
    return result;
}

bool live_remove(const void *address, uint64_t newest, struct live_block *block)
{
    struct shard *shard = live_shard((uintptr_t)address);
    bool taken = lock_enter(&shard->lock);
    bool found = live_remove_locked(shard, address, newest, block);
    lock_leave(&shard->lock, taken);
    return found;
}

static void live_each_in_region(struct slot *slot,
                                void (*visit)(const void *, const struct live_block *, void *),
                                void *context)
{
    const struct entry *entry = live_entries(slot);
    uintptr_t base = slot->key >> REGION_SHIFT << REGION_SHIFT | (slot->key >> 4 & 15);
    for (uint64_t bits = slot->bitmap; bits; bits &= bits - 1, entry++) {
        struct live_block block;
        const void *address =
            (const void *)(base + ((uintptr_t)__builtin_ctzll(bits) << GRANULE_SHIFT));
        live_unpack(entry, address, false, &block);
        visit(address, &block, context);
    }
}

void live_each(void (*visit)(const void *address, const struct live_block *block, void *context),
               void *context)
{
    for (struct shard *shard = live_shards; shard < live_shards + SHARD_COUNT; shard++) {
        bool taken = lock_enter(&shard->lock);
        for (uint32_t i = 0; shard->slots && i <= shard->mask; i++) {
            if (shard->slots[i].bitmap)
                live_each_in_region(&shard->slots[i], visit, context);
        }
        lock_leave(&shard->lock, taken);
    }
}

uint64_t live_count(void)
{
    uint64_t count = 0;
    for (const struct shard *shard = live_shards; shard < live_shards + SHARD_COUNT; shard++)
        count += load_relaxed(&shard->blocks);
    return count;
}

void live_fork_prepare(void)
{
    for (struct shard *shard = live_shards; shard < live_shards + SHARD_COUNT; shard++)
        lock_hold(&shard->lock);
    huge_fork_prepare();
}

void live_fork_parent(void)
{
    huge_fork_parent();
    for (struct shard *shard = live_shards; shard < live_shards + SHARD_COUNT; shard++)
        lock_release(&shard->lock);
}

static void live_abandon_shard(struct shard *shard)
{
    live_lost_at_fork += shard->blocks;
    memset(shard, 0, sizeof *shard);
}

void live_fork_child(bool whole)
{
    huge_fork_child();
    live_lost_at_fork = 0;
    for (struct shard *shard = live_shards; shard < live_shards + SHARD_COUNT; shard++) {
        if (lock_reset(&shard->lock) && !whole)
            live_abandon_shard(shard);
    }
}

uint64_t live_given_up(void)
{
    return live_lost_at_fork;
}

static bool live_check_slot(const struct shard *shard, struct slot *slot)
{
    uint64_t key = slot->key & ~KEY_CLASS_MASK;
    unsigned count = live_popcount(slot->bitmap);
    return live_find(shard, key) == slot && count <= 1u << live_class(slot) &&
           live_shard((uintptr_t)key) == shard;
}

bool live_check(void)
{
    for (const struct shard *shard = live_shards; shard < live_shards + SHARD_COUNT; shard++) {
        uint64_t blocks = 0;
        uint32_t used = 0;
        for (uint32_t i = 0; shard->slots && i <= shard->mask; i++) {
            struct slot *slot = &shard->slots[i];
            if (slot->bitmap == 0)
                continue;
            if (!live_check_slot(shard, slot))
                return false;
            used++;
            blocks += live_popcount(slot->bitmap);
        }
        if (used != shard->used || blocks != shard->blocks)
            return false;
    }
    return true;
}
