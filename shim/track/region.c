#include "track/region.h"
#include "base/heap.h"

#define REGION_SLAB_BYTES 4096u

static struct region_entry *region_take_room(struct region_pool *pool, unsigned class)
{
    struct region_piece *piece = pool->free[class];
    size_t size = sizeof(struct region_entry) << class;
    if (piece) {
        pool->free[class] = piece->next;
        return (struct region_entry *)piece;
    }
    if (pool->slab_left < size) {
        char *slab = heap_alloc(REGION_SLAB_BYTES);
        if (slab == NULL)
            return NULL;
        pool->slab = slab;
        pool->slab_left = REGION_SLAB_BYTES;
    }
    struct region_entry *room = (struct region_entry *)pool->slab;
    pool->slab += size;
    pool->slab_left -= size;
    return room;
}

static void region_give_room(struct region_pool *pool, struct region_entry *room, unsigned class)
{
    struct region_piece *piece = (struct region_piece *)room;
    piece->next = pool->free[class];
    pool->free[class] = piece;
}

/* Moves a region's entries to room of another class. */
static bool region_change_class(struct region_pool *pool, struct region *region, unsigned class,
                                unsigned count)
{
    struct region_entry *from = region_entries(region);
    struct region_entry *to = region_take_room(pool, class);
    if (to == NULL)
        return false;
    for (unsigned i = 0; i < count; i++)
        to[i] = from[i];
    region_give_room(pool, from, region_class(region));
    region->entries = (uintptr_t)to | class;
    return true;
}

static bool region_make_room(struct region_pool *pool, struct region *region, unsigned count)
{
    if (MT_UNLIKELY(count == 0)) {
        struct region_entry *room = region_take_room(pool, 0);
        region->entries = (uintptr_t)room;
        return room != NULL;
    }
    unsigned class = region_class(region);
    return MT_LIKELY(count >> class == 0) || region_change_class(pool, region, class + 1, count);
}

struct region_entry *region_add(struct region_pool *pool, struct region *region, uint64_t bit)
{
    unsigned count = arch_popcount(region->bitmap);
    if (MT_UNLIKELY(!region_make_room(pool, region, count)))
        return NULL;
    struct region_entry *place = region_find(region, bit);
    for (struct region_entry *entry = region_entries(region) + count; entry > place; entry--)
        entry[0] = entry[-1];
    region->bitmap |= bit;
    return place;
}

void region_drop(struct region_pool *pool, struct region *region, uint64_t bit,
                 struct region_entry *place)
{
    unsigned left = arch_popcount(region->bitmap) - 1;
    unsigned class = region_class(region);
    region->bitmap &= ~bit;
    if (left == 0) {
        region_give_room(pool, region_entries(region), class);
        region->entries = 0;
        return;
    }
    for (struct region_entry *end = region_entries(region) + left; place < end; place++)
        place[0] = place[1];
    /* Half the room at a quarter of it, so that a region does not swing between two; without memory
       for that it stays. */
    if (MT_UNLIKELY(left <= 1u << class >> 2))
        region_change_class(pool, region, class - 1, left);
}

bool region_check(const struct region *region)
{
    if (region->bitmap == 0)
        return region->entries == 0;
    return region_entries(region) != NULL && region_class(region) <= REGION_CLASS_MAX &&
           arch_popcount(region->bitmap) <= 1u << region_class(region);
}
