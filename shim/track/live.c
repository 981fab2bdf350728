#include "track/live.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/heap.h"
#include "base/lock.h"
#include "stack/site.h"
#include "track/huge.h"
#include "track/live_table.h"
#include "track/region.h"
#include "track/total.h"

#define LIVE_AREA_BYTES (LIVE_AREA_REGIONS * sizeof(struct region))
#define LIVE_AREAS_FIRST 16u

_Static_assert(SITE_MAX <= REGION_SITE_MAX + 1, "a site fits into an entry");
_Static_assert(HUGE_LEAST == LIVE_SIZE_HUGE, "what a lost size reads as");

static struct live_area live_no_area = {.key = LIVE_KEY_NONE};

struct live_shard live_shards[LIVE_SHARDS] = {
    [0 ... LIVE_SHARDS - 1] = {.lock.rank = LOCK_LIVE, .newest = &live_no_area}};
struct live_shard *live_changing;
static uint64_t live_lost_at_fork; /* by the only thread of a forked child */

/*
 * Events change the table under LOCK_TOTAL alone, which they need for the counters anyway, as long as
 * nothing is out of the ordinary: total_is_plain, which is only changed under that lock. Everybody else
 * takes both locks, so that with shares each shard is still changed by one thread at a time.
 */
struct live_hold {
    bool shard;
    bool total;
};

static struct live_hold live_enter(struct live_shard *shard)
{
    struct live_hold hold = {.shard = lock_enter(&shard->lock)};
    if (!load_relaxed(&total_is_plain))
        return hold;
    hold.total = lock_enter(&total_lock);
    if (!load_relaxed(&total_is_plain)) {
        lock_leave(&total_lock, hold.total);
        hold.total = false;
    }
    return hold;
}

static void live_leave(struct live_shard *shard, struct live_hold hold)
{
    lock_leave(&total_lock, hold.total);
    lock_leave(&shard->lock, hold.shard);
}

static inline uint32_t live_home(const struct live_shard *shard, uint64_t key)
{
    return (uint32_t)(live_hash(key) >> 26) & shard->mask;
}

/* The area's slot, or the empty one where it belongs. */
static struct live_area *live_probe(const struct live_shard *shard, uint64_t key)
{
    for (uint32_t at = live_home(shard, key);; at++) {
        struct live_area *area = &shard->areas[at & shard->mask];
        if (area->regions == NULL || area->key == key)
            return area;
    }
}

bool live_turn_to(struct live_shard *shard, uint64_t key)
{
    if (MT_UNLIKELY(shard->areas == NULL))
        return false;
    struct live_area *area = live_probe(shard, key);
    if (area->regions == NULL)
        return false;
    shard->newest = area;
    return true;
}

/* NULL if nothing lives in the area. */
static struct live_area *live_find_area(struct live_shard *shard, uint64_t key)
{
    return live_meets(shard, key) ? shard->newest : NULL;
}

static bool live_grow(struct live_shard *shard)
{
    uint32_t old_size = shard->areas ? shard->mask + 1 : 0;
    uint32_t size = old_size ? old_size * 2 : LIVE_AREAS_FIRST;
    struct live_area *old = shard->areas;
    struct live_area *areas = heap_alloc((size_t)size * sizeof *areas);
    if (areas == NULL)
        return false;
    shard->areas = areas;
    shard->newest = &live_no_area;
    store_release(&shard->mask, size - 1); /* in this order for live_abandon_shard */
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].regions)
            *live_probe(shard, old[i].key) = old[i];
    }
    heap_free(old, (size_t)old_size * sizeof *old);
    return true;
}

static struct region *live_take_regions(struct live_shard *shard)
{
    struct live_spare *spare = shard->spare;
    if (spare == NULL)
        return heap_alloc(LIVE_AREA_BYTES);
    shard->spare = spare->next;
    spare->next = NULL;
    return (struct region *)spare;
}

static MT_COLD struct live_area *live_add_area(struct live_shard *shard, uint64_t key)
{
    bool full = shard->areas == NULL || shard->used > shard->mask / 3 * 2;
    if (full && !live_grow(shard) && (shard->areas == NULL || shard->used >= shard->mask))
        return NULL;
    struct region *regions = live_take_regions(shard);
    if (regions == NULL)
        return NULL;
    struct live_area *area = live_probe(shard, key);
    *area = (struct live_area){.key = key, .regions = regions};
    shard->used++;
    shard->newest = area;
    return area;
}

/* Closes the gap that a removed area leaves in its probe sequences (Knuth 6.4, algorithm R). */
static void live_close_gap(struct live_shard *shard, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & shard->mask;; at = (at + 1) & shard->mask) {
        struct live_area *area = &shard->areas[at];
        if (area->regions == NULL)
            break;
        uint32_t home = live_home(shard, area->key);
        if (((at - home) & shard->mask) < ((at - gap) & shard->mask))
            continue;
        shard->areas[gap] = *area;
        *area = (struct live_area){.key = LIVE_KEY_NONE};
        gap = at;
    }
}

static MT_COLD void live_drop_area(struct live_shard *shard, struct live_area *area)
{
    for (uint32_t i = 0; i < LIVE_AREA_REGIONS; i++)
        region_clear(&shard->pool, &area->regions[i]);
    struct live_spare *spare = (struct live_spare *)area->regions;
    spare->next = shard->spare;
    shard->spare = spare;
    *area = (struct live_area){.key = LIVE_KEY_NONE};
    shard->used--;
    live_close_gap(shard, (uint32_t)(area - shard->areas));
}

/* The area that became empty before this one goes, unless it is in use again: a program that takes and
   frees one block over and over meets the same area each time. */
static MT_COLD void live_rest_area(struct live_shard *shard, uint64_t key)
{
    struct live_area *idle = live_probe(shard, shard->idle);
    if (shard->idle != key && idle->regions && idle->blocks == 0)
        live_drop_area(shard, idle);
    shard->idle = key;
}

static void live_pack(struct region_entry *entry, const struct live_block *block)
{
    uint32_t size = block->size < LIVE_SIZE_HUGE ? (uint32_t)block->size : LIVE_SIZE_HUGE;
    uint32_t thread = block->thread <= LIVE_THREAD_MAX ? block->thread : 0;
    region_pack(entry, block->sequence, block->site, size, thread);
}

/* `take` also removes what is kept elsewhere of a large block. */
static void live_unpack(const struct region_entry *entry, const void *address, bool take,
                        struct live_block *block)
{
    block->size = region_size(entry);
    block->site = region_site(entry);
    block->sequence = region_sequence(entry);
    block->thread = region_thread(entry);
    if (MT_UNLIKELY(block->size == LIVE_SIZE_HUGE))
        block->size = huge_get(address, take);
}

static enum live_result live_insert_locked(struct live_shard *shard, uint64_t key,
                                           const void *address, const struct live_block *block,
                                           struct live_block *old)
{
    struct live_area *area = live_find_area(shard, key);
    if (MT_UNLIKELY(area == NULL) && (area = live_add_area(shard, key)) == NULL)
        return LIVE_FULL;
    struct region *region = live_region(area, (uintptr_t)address);
    uint8_t tag = region_tag((uintptr_t)address);
    uint64_t bit = region_find(region, tag);
    if (MT_UNLIKELY(bit != 0)) {
        struct region_entry *known = region_entry_of(region, bit);
        live_unpack(known, address, true, old);
        live_pack(known, block);
        return LIVE_REPLACED;
    }
    struct region_entry *entry = region_add(&shard->pool, region, tag);
    if (MT_LIKELY(entry != NULL)) {
        live_pack(entry, block);
        area->blocks++;
        return LIVE_INSERTED;
    }
    if (area->blocks == 0)
        live_rest_area(shard, key);
    return LIVE_FULL;
}

static bool live_remove_locked(struct live_shard *shard, uint64_t key, const void *address,
                               uint64_t newest, struct live_block *block)
{
    struct live_area *area = live_find_area(shard, key);
    if (MT_UNLIKELY(area == NULL))
        return false;
    struct region *region = live_region(area, (uintptr_t)address);
    uint64_t bit = region_find(region, region_tag((uintptr_t)address));
    if (MT_UNLIKELY(bit == 0))
        return false;
    const struct region_entry *entry = region_entry_of(region, bit);
    if (MT_UNLIKELY(region_sequence(entry) > newest))
        return false;
    live_unpack(entry, address, true, block);
    region_drop(&shard->pool, region, bit);
    if (MT_UNLIKELY(--area->blocks == 0))
        live_rest_area(shard, key);
    return true;
}

/* A large block whose size cannot be kept beside its entry is not kept at all. */
static MT_COLD enum live_result live_keep_huge_locked(struct live_shard *shard, uint64_t key,
                                                      const void *address, size_t size,
                                                      enum live_result result)
{
    struct live_block dropped;
    if (result == LIVE_FULL || huge_put(address, size))
        return result;
    live_remove_locked(shard, key, address, UINT64_MAX, &dropped);
    return LIVE_FULL;
}

enum live_result live_insert(const void *address, const struct live_block *block,
                             struct live_block *old)
{
    uint64_t key = live_key((uintptr_t)address);
    struct live_shard *shard = live_shard(key);
    struct live_hold hold = live_enter(shard);
    enum live_result result = live_insert_locked(shard, key, address, block, old);
    if (MT_UNLIKELY(block->size >= LIVE_SIZE_HUGE))
        result = live_keep_huge_locked(shard, key, address, block->size, result);
    live_leave(shard, hold);
    return result;
}

bool live_remove(const void *address, uint64_t newest, struct live_block *block)
{
    uint64_t key = live_key((uintptr_t)address);
    struct live_shard *shard = live_shard(key);
    struct live_hold hold = live_enter(shard);
    bool found = live_remove_locked(shard, key, address, newest, block);
    live_leave(shard, hold);
    return found;
}

bool live_find(const void *address, struct live_block *block)
{
    uint64_t key = live_key((uintptr_t)address);
    struct live_shard *shard = live_shard(key);
    struct live_hold hold = live_enter(shard);
    struct live_area *area = live_find_area(shard, key);
    const struct region *region = area ? live_region(area, (uintptr_t)address) : NULL;
    uint64_t bit = region ? region_find(region, region_tag((uintptr_t)address)) : 0;
    if (bit)
        live_unpack(region_entry_of(region, bit), address, false, block);
    live_leave(shard, hold);
    return bit != 0;
}

typedef void (*live_visit)(const void *address, const struct live_block *block, void *context);

static void live_each_in_region(const struct region *region, uintptr_t base, live_visit visit,
                                void *context)
{
    const struct region_entry *entries = region_entries(region);
    uint8_t slots[REGION_GRANULES];
    for (uint64_t granules = region_order(region, slots); granules; granules &= granules - 1) {
        struct live_block block;
        unsigned granule = (unsigned)__builtin_ctzll(granules);
        const void *address = (const void *)(base + ((uintptr_t)granule << REGION_GRANULE_SHIFT));
        live_unpack(&entries[slots[granule]], address, false, &block);
        visit(address, &block, context);
    }
}

static void live_each_in_area(const struct live_area *area, live_visit visit, void *context)
{
    uintptr_t base = area->key << LIVE_AREA_SHIFT | area->key >> 60;
    for (uint32_t i = 0; i < LIVE_AREA_REGIONS; i++)
        live_each_in_region(&area->regions[i], base + i * REGION_BYTES, visit, context);
}

void live_each(void (*visit)(const void *address, const struct live_block *block, void *context),
               void *context)
{
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++) {
        struct live_hold hold = live_enter(shard);
        for (uint32_t i = 0; shard->areas && i <= shard->mask; i++) {
            if (shard->areas[i].regions)
                live_each_in_area(&shard->areas[i], visit, context);
        }
        live_leave(shard, hold);
    }
}

#define LIVE_KEY_NUMBER ((1ull << 60) - 1) /* the rest of a key are an address's low bits */

void live_each_area(void (*visit)(uint64_t number, uint64_t blocks, void *context), void *context)
{
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++) {
        struct live_hold hold = live_enter(shard);
        for (uint32_t i = 0; shard->areas && i <= shard->mask; i++) {
            if (shard->areas[i].regions && shard->areas[i].blocks)
                visit(shard->areas[i].key & LIVE_KEY_NUMBER, shard->areas[i].blocks, context);
        }
        live_leave(shard, hold);
    }
}

static void live_renumber_region(struct region *region, const uint32_t *numbers, uint64_t count)
{
    for (uint64_t used = region->used; used; used &= used - 1) {
        struct region_entry *entry = region_entry_of(region, used & -used);
        uint32_t site = region_site(entry) < count ? numbers[region_site(entry)] : 0;
        region_pack(entry, region_sequence(entry), site, region_size(entry), region_thread(entry));
    }
}

void live_renumber(const uint32_t *numbers, uint64_t count)
{
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++) {
        struct live_hold hold = live_enter(shard);
        for (uint32_t i = 0; shard->areas && i <= shard->mask; i++) {
            for (uint32_t r = 0; shard->areas[i].regions && r < LIVE_AREA_REGIONS; r++)
                live_renumber_region(&shard->areas[i].regions[r], numbers, count);
        }
        live_leave(shard, hold);
    }
}

static uint64_t live_count_shard(const struct live_shard *shard)
{
    uint64_t count = 0;
    for (uint32_t i = 0; shard->areas && i <= shard->mask; i++)
        count += shard->areas[i].blocks;
    return count;
}

uint64_t live_count(void)
{
    uint64_t count = 0;
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++) {
        struct live_hold hold = live_enter(shard);
        count += live_count_shard(shard);
        live_leave(shard, hold);
    }
    return count;
}

void live_fork_prepare(void)
{
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++)
        lock_hold(&shard->lock);
}

void live_fork_parent(void)
{
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++)
        lock_release(&shard->lock);
}

static void live_abandon_shard(struct live_shard *shard)
{
    live_lost_at_fork += live_count_shard(shard);
    *shard = (struct live_shard){.lock = {.rank = LOCK_LIVE}, .newest = &live_no_area};
}

void live_fork_child(bool whole)
{
    struct live_shard *changing = total_lock.word ? load_relaxed(&live_changing) : NULL;
    live_lost_at_fork = 0;
    for (struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++) {
        bool held = lock_reset(&shard->lock);
        if (!whole && (held || shard == changing))
            live_abandon_shard(shard);
    }
}

uint64_t live_given_up(void)
{
    return live_lost_at_fork;
}

static bool live_check_area(const struct live_shard *shard, const struct live_area *area)
{
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < LIVE_AREA_REGIONS; i++) {
        if (!region_check(&area->regions[i]))
            return false;
        blocks += (uint64_t)__builtin_popcountll(area->regions[i].used);
    }
    return blocks == area->blocks && live_shard(area->key) == shard &&
           live_probe(shard, area->key) == area;
}

static bool live_check_shard(const struct live_shard *shard)
{
    uint32_t used = 0;
    for (uint32_t i = 0; shard->areas && i <= shard->mask; i++) {
        const struct live_area *area = &shard->areas[i];
        if (area->regions == NULL)
            continue;
        if (!live_check_area(shard, area))
            return false;
        used++;
    }
    return used == shard->used;
}

bool live_check(void)
{
    for (const struct live_shard *shard = live_shards; shard < live_shards + LIVE_SHARDS; shard++) {
        if (!live_check_shard(shard))
            return false;
    }
    return true;
}
