#include "scan/pieces.h"
#include "base/heap.h"

/* In order of address, so far apart at most are pieces looked for: others lie between them. */
#define PIECES_NEAR 64u

struct pieces {
    uint32_t *at; /* the mappings of the census */
    uint32_t count;
};

static uint32_t pieces_count(const struct census *census)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < census->count; i++)
        count += (census->states[i] & CENSUS_MAPPING) != 0;
    return count;
}

static void pieces_list(struct pieces *pieces, const struct census *census)
{
    pieces->count = 0;
    for (uint32_t i = 0; i < census->count; i++) {
        if (census->states[i] & CENSUS_MAPPING)
            pieces->at[pieces->count++] = i;
    }
}

static bool pieces_is_reached(const struct census *census, uint32_t index)
{
    return (census->states[index] & CENSUS_STATE) == CENSUS_REACHABLE;
}

/* Is a piece of the same mapping, near it, reached? */
static bool pieces_has_reached(const struct pieces *pieces, const struct census *census, uint32_t i)
{
    uint64_t sequence = census->blocks[pieces->at[i]].sequence;
    uint32_t from = i > PIECES_NEAR ? i - PIECES_NEAR : 0;
    for (uint32_t j = from; j < pieces->count && j <= i + PIECES_NEAR; j++) {
        if (census->blocks[pieces->at[j]].sequence == sequence &&
            pieces_is_reached(census, pieces->at[j]))
            return true;
    }
    return false;
}

static bool pieces_join(const struct pieces *pieces, struct reach *reach)
{
    bool joined = false;
    for (uint32_t i = 0; i < pieces->count; i++) {
        uint32_t index = pieces->at[i];
        if (pieces_is_reached(reach->census, index) ||
            !pieces_has_reached(pieces, reach->census, i))
            continue;
        reach_block(reach, index, true);
        joined = true;
    }
    return joined;
}

void pieces_follow(struct reach *reach)
{
    uint32_t room = pieces_count(reach->census);
    struct pieces pieces = {.at = room ? heap_alloc(room * sizeof *pieces.at) : NULL};
    if (pieces.at == NULL)
        return;
    pieces_list(&pieces, reach->census);
    while (!reach_late(reach) && pieces_join(&pieces, reach))
        reach_follow(reach);
    heap_free(pieces.at, room * sizeof *pieces.at);
}
