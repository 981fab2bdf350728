#include "block_split.h"

/* The bytes that `both` may have, if it has so many blocks. */
struct split_range {
    uint64_t low;
    uint64_t high;
};

static void range_only(struct split_range *range, uint64_t value)
{
    if (value < range->low || value > range->high) {
        range->low = 1;
        range->high = 0;
    } else {
        range->low = range->high = value;
    }
}

static bool split_with(const struct figures *figures, uint64_t both, struct block_split *split)
{
    uint64_t all = figures->alloc_bytes, peak = figures->peak_bytes, live = figures->live_bytes;
    struct split_range range = {peak + live > all ? peak + live - all : 0,
                                peak < live ? peak : live};
    if (both == 0)
        range_only(&range, 0);
    if (both == figures->peak_blocks)
        range_only(&range, peak);
    if (both == figures->live_blocks)
        range_only(&range, live);
    if (both + figures->allocs == figures->peak_blocks + figures->live_blocks)
        range_only(&range, peak + live - all);
    if (range.low > range.high)
        return false;
    uint64_t bytes = range.high;
    *split = (struct block_split){
        .both = {both, bytes},
        .peak_only = {figures->peak_blocks - both, peak - bytes},
        .end_only = {figures->live_blocks - both, live - bytes},
        .neither = {figures->allocs + both - figures->peak_blocks - figures->live_blocks,
                    all + bytes - peak - live},
    };
    return true;
}

/* If any number of blocks in `both` is possible, one at a border or beside it is. */
bool block_split(const struct figures *figures, struct block_split *split)
{
    uint64_t peak = figures->peak_blocks, live = figures->live_blocks;
    if (peak > figures->allocs || live > figures->allocs ||
        figures->peak_bytes > figures->alloc_bytes || figures->live_bytes > figures->alloc_bytes)
        return false;
    uint64_t least = peak + live > figures->allocs ? peak + live - figures->allocs : 0;
    uint64_t most = peak < live ? peak : live;
    return split_with(figures, most, split) ||
           (most > least && split_with(figures, most - 1, split)) ||
           (most > least && split_with(figures, least + 1, split)) ||
           split_with(figures, least, split);
}
