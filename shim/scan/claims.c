#include "scan/claims.h"
#include "base/heap.h"
#include "base/lock.h"
#include "track/live.h"

#include <string.h>

#define CLAIMS_FIRST 64u

struct claims_region {
    uintptr_t start;
    uintptr_t end;
};

/* A block that begins there; or, with `inner`, that holds that byte, and is no younger. */
struct claims_block {
    uintptr_t address;
    uint64_t sequence : 63;
    uint64_t inner : 1;
};

struct claims_stretch {
    uint64_t after;
    uint64_t until;
    uint64_t thread;
};

/* An array that grows; what is in it is in no order. */
struct claims_table {
    void *at;
    uint32_t count;
    uint32_t room;
};

static struct lock claims_lock = {.rank = LOCK_CLAIMS};
static struct claims_table claims_regions; /* all below: LOCK_CLAIMS */
static struct claims_table claims_blocks;
static struct claims_table claims_stretches;

static bool claims_make_room(struct claims_table *table, size_t size)
{
    if (table->count < table->room)
        return true;
    uint32_t room = table->room ? table->room * 2 : CLAIMS_FIRST;
    void *at = heap_alloc(room * size);
    if (at == NULL)
        return false;
    if (table->count)
        memcpy(at, table->at, table->count * size);
    heap_free(table->at, table->room * size);
    table->at = at;
    table->room = room;
    return true;
}

static bool claims_add_region_locked(struct claims_region region)
{
    if (!claims_make_room(&claims_regions, sizeof region))
        return false;
    ((struct claims_region *)claims_regions.at)[claims_regions.count++] = region;
    return true;
}

bool claims_add_region(uintptr_t start, size_t size)
{
    bool taken = lock_enter(&claims_lock);
    bool added = claims_add_region_locked((struct claims_region){start, start + size});
    lock_leave(&claims_lock, taken);
    return added;
}

static bool claims_remove_region_locked(uintptr_t start, uintptr_t end)
{
    struct claims_region *regions = claims_regions.at;
    for (uint32_t i = claims_regions.count; i-- > 0;) {
        if (regions[i].start != start || regions[i].end != end)
            continue;
        regions[i] = regions[--claims_regions.count];
        return true;
    }
    return false;
}

bool claims_remove_region(uintptr_t start, size_t size)
{
    bool taken = lock_enter(&claims_lock);
    bool removed = claims_remove_region_locked(start, start + size);
    lock_leave(&claims_lock, taken);
    return removed;
}

/* Before the table grows: whatever is no longer live needs no claim. */
static void claims_forget_dead(void)
{
    struct claims_block *blocks = claims_blocks.at;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < claims_blocks.count; i++) {
        struct live_block block;
        if (blocks[i].inner || (live_find((const void *)blocks[i].address, &block) &&
                                block.sequence == blocks[i].sequence))
            blocks[kept++] = blocks[i];
    }
    claims_blocks.count = kept;
}

static bool claims_ignore_locked(struct claims_block claim)
{
    if (claims_blocks.room && claims_blocks.count == claims_blocks.room)
        claims_forget_dead();
    if (!claims_make_room(&claims_blocks, sizeof claim))
        return false;
    ((struct claims_block *)claims_blocks.at)[claims_blocks.count++] = claim;
    return true;
}

bool claims_ignore(const void *address, uint64_t newest)
{
    struct live_block block;
    struct claims_block claim = {.address = (uintptr_t)address, .inner = 1};
    if (live_find(address, &block))
        claim = (struct claims_block){.address = (uintptr_t)address, .sequence = block.sequence};
    else
        claim.sequence = newest;
    bool taken = lock_enter(&claims_lock);
    bool added = claims_ignore_locked(claim);
    lock_leave(&claims_lock, taken);
    return added;
}

/* The thread's last stretch; NULL if it has none. The newest are last. */
static struct claims_stretch *claims_last_stretch(uint32_t thread)
{
    struct claims_stretch *stretches = claims_stretches.at;
    for (uint32_t i = claims_stretches.count; i-- > 0;) {
        if (stretches[i].thread == thread)
            return &stretches[i];
    }
    return NULL;
}

/* Where nothing was allocated since the thread's last stretch, that one goes on. */
static bool claims_begin_stretch_locked(struct claims_stretch stretch)
{
    struct claims_stretch *last = claims_last_stretch((uint32_t)stretch.thread);
    if (last && last->until == stretch.after) {
        last->until = UINT64_MAX;
        return true;
    }
    if (!claims_make_room(&claims_stretches, sizeof stretch))
        return false;
    ((struct claims_stretch *)claims_stretches.at)[claims_stretches.count++] = stretch;
    return true;
}

bool claims_begin_stretch(uint32_t thread, uint64_t after)
{
    bool taken = lock_enter(&claims_lock);
    bool begun = claims_begin_stretch_locked((struct claims_stretch){after, UINT64_MAX, thread});
    lock_leave(&claims_lock, taken);
    return begun;
}

void claims_end_stretch(uint32_t thread, uint64_t until)
{
    bool taken = lock_enter(&claims_lock);
    struct claims_stretch *last = claims_last_stretch(thread);
    if (last && last->until == UINT64_MAX)
        last->until = until;
    if (last && last->until == last->after) /* nothing in it */
        *last = ((struct claims_stretch *)claims_stretches.at)[--claims_stretches.count];
    lock_leave(&claims_lock, taken);
}

/* ---- during a check ---- */

void claims_each_region(void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context)
{
    const struct claims_region *regions = claims_regions.at;
    for (uint32_t i = 0; i < claims_regions.count; i++)
        visit(regions[i].start, regions[i].end, context);
}

static void claims_mark_blocks(struct census *census)
{
    const struct claims_block *blocks = claims_blocks.at;
    for (uint32_t i = 0; i < claims_blocks.count; i++) {
        uint32_t index = census_find(census, blocks[i].address);
        if (index == CENSUS_NONE)
            continue;
        const struct census_block *block = &census->blocks[index];
        uint64_t sequence = block->sequence >> CENSUS_THREAD_BITS;
        if (blocks[i].inner ? sequence <= blocks[i].sequence
                            : block->start == blocks[i].address && sequence == blocks[i].sequence)
            census->states[index] |= CENSUS_IGNORED;
    }
}

static bool claims_covers(const struct claims_stretch *stretch, uint64_t sequence, uint64_t thread)
{
    return sequence > stretch->after && sequence <= stretch->until && thread == stretch->thread;
}

static void claims_mark_stretches(struct census *census)
{
    const struct claims_stretch *stretches = claims_stretches.at;
    for (uint32_t i = 0; claims_stretches.count && i < census->count; i++) {
        uint64_t sequence = census->blocks[i].sequence >> CENSUS_THREAD_BITS;
        uint64_t thread = census->blocks[i].sequence & ((1u << CENSUS_THREAD_BITS) - 1);
        for (uint32_t s = 0; s < claims_stretches.count; s++) {
            if (claims_covers(&stretches[s], sequence, thread))
                census->states[i] |= CENSUS_IGNORED;
        }
    }
}

void claims_mark(struct census *census)
{
    claims_mark_blocks(census);
    claims_mark_stretches(census);
}

void claims_fork_prepare(void)
{
    lock_hold(&claims_lock);
}

void claims_fork_parent(void)
{
    lock_release(&claims_lock);
}

void claims_fork_child(bool whole)
{
    if (!lock_reset(&claims_lock) || whole)
        return;
    claims_regions = (struct claims_table){.at = NULL};
    claims_blocks = (struct claims_table){.at = NULL};
    claims_stretches = (struct claims_table){.at = NULL};
}
