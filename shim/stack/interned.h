/*
 * Keeps       an index from a record's identity to its id, over records that are kept elsewhere.
 * Invariant   each record that was added is found from its home slot on without an empty slot in
 *             between. A slot is an id below INTERNED_MAX with high bits of the hash above it, so
 *             that most records of another identity are passed over unread. 0 is an empty slot.
 * Threads     finding takes no lock (tags INTERNED, INTERNED-SLOT) and may miss what is being added
 *             or has just moved: the caller looks again under its lock. Adding: the lock's holder.
 * Memory      4 bytes a slot, at most 4 slots a record. The pages of outgrown indexes go back to the
 *             system, their addresses stay: whoever still reads there finds empty slots.
 * On failure  interned_has_room gives false.
 */
#ifndef MEMTRACK_STACK_INTERNED_H
#define MEMTRACK_STACK_INTERNED_H

#include "base/atomic.h"
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

#define INTERNED_ID_BITS 25u
#define INTERNED_MAX (1u << INTERNED_ID_BITS)

struct interned {
    uint32_t mask;
    uint32_t used;
    uint32_t slots[];
};

/* Is the record `id` the one with this identity? */
typedef bool interned_is(uint32_t id, const void *key);
/* The hash of a record's identity. */
typedef uint64_t interned_hash(uint32_t id);

/* Finaliser of MurmurHash3 (public domain). */
MT_INLINE uint64_t interned_mix(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ull;
    return h ^ h >> 33;
}

/* An index without records; NULL if there is no memory. */
struct interned *interned_make(uint32_t slots);
/* Gives an index back that nobody reads any more: in a forked child, before it has threads. */
void interned_drop(struct interned *index);
/* Is there room for one more record? May replace *index by a larger one with the records 1 to
   count - 1. */
bool interned_has_room(struct interned **index, uint64_t count, interned_hash *hash);
/* Adds a record that is complete and not yet here. */
void interned_add(struct interned *index, uint64_t hash, uint32_t id);

/* The record's id, or 0. */
MT_INLINE uint32_t interned_find(struct interned *const *index, uint64_t hash, interned_is *is,
                                 const void *key)
{
    const struct interned *now = load_acquire(index); /* INTERNED */
    const uint32_t tag = (uint32_t)(hash >> 32) & ~(INTERNED_MAX - 1);
    for (uint32_t at = (uint32_t)hash;; at++) {
        uint32_t slot = load_acquire(&now->slots[at & now->mask]); /* INTERNED-SLOT */
        if (slot == 0)
            return 0;
        if (MT_LIKELY((slot & ~(INTERNED_MAX - 1)) == tag) && is(slot & (INTERNED_MAX - 1), key))
            return slot & (INTERNED_MAX - 1);
    }
}

#endif
