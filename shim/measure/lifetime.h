/*
 * Keeps       how long blocks live, per call site (LIFETIMES), where the option lifetimes=1 asks for it.
 * Invariant   the birth of each of the last LIFETIME_RECENT allocations is known exactly; of older ones
 *             by that of a neighbour, a small part of their age away.
 * Threads     lifetime_born: any; lifetime_died: the holder of LOCK_TOTAL. A lock of its own inside.
 * Memory      private, 24 bytes for each recent birth, and as much for old ones: 3 MiB.
 * On failure  without that memory nothing is measured.
 */
#ifndef MEMTRACK_MEASURE_LIFETIME_H
#define MEMTRACK_MEASURE_LIFETIME_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIFETIME_RECENT (1u << 16)

extern bool lifetime_is_on; /* constant after the start */

/* Turns the measure on, if there is memory for it. */
void lifetime_start(void);
void lifetime_note_birth(uint64_t sequence, size_t size);
void lifetime_note_death(uint32_t site, uint64_t sequence);

/* Frees the lock that one of the parent's threads may have held. */
void lifetime_fork_child(void);

MT_INLINE void lifetime_born(uint64_t sequence, size_t size)
{
    if (MT_UNLIKELY(lifetime_is_on))
        lifetime_note_birth(sequence, size);
}

MT_INLINE void lifetime_died(uint32_t site, uint64_t sequence)
{
    if (MT_UNLIKELY(lifetime_is_on))
        lifetime_note_death(site, sequence);
}

#endif
