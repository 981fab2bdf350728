#include "track/region.h"
#include "base/heap.h"

#define REGION_SLAB_BYTES 4096u

const uint8_t region_room[REGION_CLASSES] = {1, 2, 4, 6, 8, 10, 13, 16, 21, 26, 32, 40, 48, 64};

/* Pieces are aligned to 16 bytes: their addresses have room for a class. */
static size_t region_piece_bytes(unsigned class)
{
    return (region_room[class] * sizeof(struct region_entry) + 15) & ~(size_t)15;
}

/* The smallest class with room for so many entries. */
static unsigned region_class_for(unsigned count)
{
    unsigned class = 0;
    while (region_room[class] < count)
        class ++;
    return class;
}

static void region_give_room(struct region_pool *pool, void *room, unsigned class)
{
    struct region_piece *piece = room;
    piece->next = pool->free[class];
    pool->free[class] = piece;
}

/* What is left of a slab becomes pieces of its own. */
static void region_cut_rest(struct region_pool *pool)
{
    for (unsigned class = REGION_CLASSES; class -- > 0;) {
        size_t size = region_piece_bytes(class);
        for (; pool->slab_left >= size; pool->slab_left -= size, pool->slab += size)
            region_give_room(pool, pool->slab, class);
    }
}

static struct region_entry *region_take_room(struct region_pool *pool, unsigned class)
{
    struct region_piece *piece = pool->free[class];
    size_t size = region_piece_bytes(class);
    if (piece) {
        pool->free[class] = piece->next;
        return (struct region_entry *)piece;
    }
    if (pool->slab_left < size) {
        char *slab = heap_alloc(REGION_SLAB_BYTES);
        if (slab == NULL)
            return NULL;
        region_cut_rest(pool);
        pool->slab = slab;
        pool->slab_left = REGION_SLAB_BYTES;
    }
    struct region_entry *room = (struct region_entry *)pool->slab;
    pool->slab += size;
    pool->slab_left -= size;
    return room;
}

/* Moves a region's entries to room of another class. */
static bool region_change_class(struct region_pool *pool, struct region *region, unsigned class,
                                unsigned count)
{
    struct region_entry *from = region_entries(region);
    struct region_entry *to = region_take_room(pool, class);
    if (to == NULL)
        return false;
    if (count) {
        __builtin_memcpy(to, from, count * sizeof *to);
        region_give_room(pool, from, region_class(region));
    }
    region->entries = (uintptr_t)to | class;
    return true;
}

bool region_grow(struct region_pool *pool, struct region *region, unsigned count)
{
    return region_change_class(pool, region, count ? region_class(region) + 1 : 0, count);
}

/* To twice what is needed, so that a region does not swing between two; without memory for that the
   room stays. */
void region_shrink(struct region_pool *pool, struct region *region, unsigned left)
{
    if (left == 0) {
        region_give_room(pool, region_entries(region), region_class(region));
        region->entries = 0;
        return;
    }
    unsigned class = region_class_for(2 * left);
    if (class < region_class(region))
        region_change_class(pool, region, class, left);
}

bool region_check(const struct region *region)
{
    if (region->bitmap == 0)
        return region->entries == 0;
    return region_entries(region) != NULL && region_class(region) < REGION_CLASSES &&
           arch_popcount(region->bitmap) <= region_room[region_class(region)];
}
