#include "scan/ranges.h"
#include "base/heap.h"

#include <string.h>

#define RANGES_FIRST 64u

static bool ranges_grow(struct ranges *ranges)
{
    uint32_t room = ranges->room ? ranges->room * 2 : RANGES_FIRST;
    struct range *at = heap_alloc((size_t)room * sizeof *at);
    if (at == NULL)
        return false;
    if (ranges->count)
        memcpy(at, ranges->at, ranges->count * sizeof *at);
    heap_free(ranges->at, (size_t)ranges->room * sizeof *at);
    ranges->at = at;
    ranges->room = room;
    return true;
}

bool ranges_append(struct ranges *ranges, struct range range)
{
    if (ranges->count == ranges->room && !ranges_grow(ranges)) {
        ranges->full = true;
        return false;
    }
    ranges->at[ranges->count++] = range;
    return true;
}

void ranges_add(struct ranges *ranges, uintptr_t start, uintptr_t end)
{
    if (start >= end)
        return;
    if (ranges->count) {
        struct range *last = &ranges->at[ranges->count - 1];
        if (start >= last->start && start <= last->end) {
            if (end > last->end)
                last->end = end;
            return;
        }
    }
    ranges_append(ranges, (struct range){start, end});
}

/* Heapsort (Williams 1964), by where they begin. */
static void ranges_sift(struct range *at, uint32_t i, uint32_t count)
{
    for (uint32_t child = 2 * i + 1; child < count; i = child, child = 2 * i + 1) {
        if (child + 1 < count && at[child].start < at[child + 1].start)
            child++;
        if (at[i].start >= at[child].start)
            return;
        struct range range = at[i];
        at[i] = at[child];
        at[child] = range;
    }
}

static void ranges_sort(struct range *at, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        ranges_sift(at, i, count);
    for (uint32_t end = count; end-- > 1;) {
        struct range range = at[0];
        at[0] = at[end];
        at[end] = range;
        ranges_sift(at, 0, end);
    }
}

void ranges_settle(struct ranges *ranges)
{
    uint32_t count = ranges->count;
    ranges_sort(ranges->at, count);
    ranges->count = 0;
    for (uint32_t i = 0; i < count; i++)
        ranges_add(ranges, ranges->at[i].start, ranges->at[i].end);
}

/* The first range that ends behind an address. */
static uint32_t ranges_first(const struct ranges *ranges, uintptr_t address)
{
    uint32_t low = 0, high = ranges->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (ranges->at[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void ranges_each_gap(const struct ranges *ranges, uintptr_t start, uintptr_t end,
                     void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context)
{
    for (uint32_t i = ranges_first(ranges, start); start < end; i++) {
        bool past = i >= ranges->count || ranges->at[i].start >= end;
        uintptr_t stop = past ? end : ranges->at[i].start;
        if (start < stop)
            visit(start, stop, context);
        start = past ? end : ranges->at[i].end;
    }
}

void ranges_drop(struct ranges *ranges)
{
    heap_free(ranges->at, (size_t)ranges->room * sizeof *ranges->at);
    *ranges = (struct ranges){.at = NULL};
}
