/*
 * Keeps       ranges of addresses that may overlap and nest, and finds those that cover one.
 * Invariant   once sealed: sorted by `low`, wider first where equal; `reach` is the greatest `high`
 *             of the ranges up to and including this one.
 * Threads     any one at a time.
 * Memory      the set's own, freed by interval_free; 32 bytes a range.
 * On failure  -ENOMEM from interval_add; the set stays usable without the range.
 */
#ifndef MEMTRACK_INTERVAL_H
#define MEMTRACK_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

struct interval {
    uint64_t low;
    uint64_t high; /* one past the last address */
    uint64_t reach;
    uint32_t id; /* the caller's */
};

/* All zero is the empty set. */
struct interval_set {
    struct interval *items;
    size_t count;
    size_t room;
};

/* Adds a range; an empty one is ignored. Not after interval_seal. */
int interval_add(struct interval_set *set, uint64_t low, uint64_t high, uint32_t id);
void interval_seal(struct interval_set *set);
void interval_free(struct interval_set *set);
/* The covering range with the greatest `low`, and then, given the one before, the next further out.
   NULL: no more. */
const struct interval *interval_covering(const struct interval_set *set, uint64_t address,
                                         const struct interval *previous);

#endif
