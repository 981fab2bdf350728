/*
 * Keeps       a set of address ranges: what a scan leaves out.
 * Invariant   after ranges_settle they are sorted and do not overlap or touch.
 * Threads     the one that checks for leaks.
 * Memory      private, 16 bytes a range, until ranges_drop.
 * On failure  ranges_add sets `full`: there was no memory for one.
 */
#ifndef MEMTRACK_SCAN_RANGES_H
#define MEMTRACK_SCAN_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct range {
    uintptr_t start;
    uintptr_t end;
};

struct ranges {
    struct range *at;
    uint32_t count;
    uint32_t room;
    bool full;
};

/* An empty range changes nothing; one that touches the range added last is joined to it. */
void ranges_add(struct ranges *ranges, uintptr_t start, uintptr_t end);
/* Adds a range as it is. False: no memory. */
bool ranges_append(struct ranges *ranges, struct range range);
void ranges_settle(struct ranges *ranges);
/* Calls visit for each part of [start, end) that is in no range. */
void ranges_each_gap(const struct ranges *ranges, uintptr_t start, uintptr_t end,
                     void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context);
void ranges_drop(struct ranges *ranges);

#endif
