#include "track/region.h"
#include "base/heap.h"

#define REGION_SLAB_BYTES 4096u

/* Slots of a piece of each class; class 0 is no piece. Few classes: a region that fills moves seldom. */
static const uint8_t region_rooms[REGION_CLASSES] = {0, 1, 4, 8, 16, 24, 32, 64};

/* Pieces are aligned to 16 bytes: their addresses have room for a class. */
static size_t region_piece_bytes(unsigned class)
{
    size_t tags = (region_rooms[class] + 15u) & ~15u;
    return (tags + region_rooms[class] * sizeof(struct region_entry) + 15) & ~(size_t)15;
}

static unsigned region_class(const struct region *region)
{
    return region->piece & REGION_CLASS_MASK;
}

static void region_give_piece(struct region_pool *pool, void *memory, unsigned class)
{
    struct region_piece *piece = memory;
    piece->next = pool->free[class];
    pool->free[class] = piece;
}

/* What is left of a slab becomes pieces of its own. */
static void region_cut_rest(struct region_pool *pool)
{
    for (unsigned class = REGION_CLASSES - 1; class > 0; class --) {
        size_t size = region_piece_bytes(class);
        for (; pool->slab_left >= size; pool->slab_left -= size, pool->slab += size)
            region_give_piece(pool, pool->slab, class);
    }
}

static void *region_take_piece(struct region_pool *pool, unsigned class)
{
    struct region_piece *piece = pool->free[class];
    size_t size = region_piece_bytes(class);
    if (piece) {
        pool->free[class] = piece->next;
        return piece;
    }
    if (pool->slab_left < size) {
        char *slab = heap_alloc(REGION_SLAB_BYTES);
        if (slab == NULL)
            return NULL;
        region_cut_rest(pool);
        pool->slab = slab;
        pool->slab_left = REGION_SLAB_BYTES;
    }
    void *memory = pool->slab;
    pool->slab += size;
    pool->slab_left -= size;
    return memory;
}

/* All slots are used: they keep their places in a larger piece. */
bool region_grow(struct region_pool *pool, struct region *region)
{
    struct region old = *region;
    unsigned class = region_class(&old) + 1;
    void *piece = region_take_piece(pool, class);
    if (piece == NULL)
        return false;
    region->piece = (uint64_t)region_rooms[class] << REGION_ROOM_SHIFT | (uintptr_t)piece | class;
    arch_copy_bytes(region_tags(region), region_tags(&old), region_room(&old));
    for (unsigned slot = 0; slot < region_room(&old); slot++)
        region_entries(region)[slot] = region_entries(&old)[slot];
    if (region_class(&old))
        region_give_piece(pool, region_tags(&old), region_class(&old));
    return true;
}

void region_clear(struct region_pool *pool, struct region *region)
{
    if (region_class(region))
        region_give_piece(pool, region_tags(region), region_class(region));
    *region = (struct region){0, 0};
}

uint64_t region_order(const struct region *region, uint8_t slots[REGION_GRANULES])
{
    uint64_t granules = 0;
    for (uint64_t used = region->used; used; used &= used - 1) {
        uint8_t slot = (uint8_t)__builtin_ctzll(used);
        uint8_t tag = region_tags(region)[slot];
        slots[tag] = slot;
        granules |= 1ull << tag;
    }
    return granules;
}

bool region_check(const struct region *region)
{
    uint64_t seen = 0;
    if (region_class(region) >= REGION_CLASSES ||
        region_room(region) != region_rooms[region_class(region)])
        return false;
    for (uint64_t used = region->used; used; used &= used - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(used);
        uint8_t tag = slot < region_room(region) ? region_tags(region)[slot] : REGION_GRANULES;
        if (tag >= REGION_GRANULES || seen >> tag & 1)
            return false;
        seen |= 1ull << tag;
    }
    return true;
}
