#include "interval.h"

#include <errno.h>
#include <stdlib.h>

int interval_add(struct interval_set *set, uint64_t low, uint64_t high, uint32_t id)
{
    if (high <= low)
        return 0;
    if (set->count == set->room) {
        size_t room = set->room ? set->room * 2 : 16;
        struct interval *items = reallocarray(set->items, room, sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        set->items = items;
        set->room = room;
    }
    set->items[set->count++] = (struct interval){.low = low, .high = high, .id = id};
    return 0;
}

static int interval_compare(const void *left, const void *right)
{
    const struct interval *a = left;
    const struct interval *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->high != b->high)
        return a->high > b->high ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

void interval_seal(struct interval_set *set)
{
    uint64_t reach = 0;
    if (set->count)
        qsort(set->items, set->count, sizeof *set->items, interval_compare);
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].high > reach)
            reach = set->items[i].high;
        set->items[i].reach = reach;
    }
}

void interval_free(struct interval_set *set)
{
    free(set->items);
    *set = (struct interval_set){0};
}

/* How many ranges begin at or below the address. */
static size_t interval_begun(const struct interval_set *set, uint64_t address)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct interval *interval_covering(const struct interval_set *set, uint64_t address,
                                         const struct interval *previous)
{
    size_t i = previous ? (size_t)(previous - set->items) : interval_begun(set, address);
    while (i > 0 && set->items[i - 1].reach > address) {
        i--;
        if (set->items[i].high > address)
            return &set->items[i];
    }
    return NULL;
}
