/*
 * Atomic operations whose names carry the order. Each release names the acquire that it pairs with
 * by a tag in a comment at both places.
 */
#ifndef MEMTRACK_BASE_ATOMIC_H
#define MEMTRACK_BASE_ATOMIC_H

#include "add.h" /* of the architecture */
#include <stdint.h>

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define exchange_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
/* Strong compare and exchange; *e is updated on failure. */
#define swap_acquire(p, e, v)                                                                      \
    __atomic_compare_exchange_n((p), (e), (v), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)

/*
 * Adds to a counter of 64 bits that other threads read at any time but that only the holder of its lock
 * writes: never torn.
 */
#define add_owned(p, v)                                                                            \
    do {                                                                                           \
        _Static_assert(sizeof(*(p)) == 8, "a counter has 64 bits");                                \
        arch_add_owned((p), (v));                                                                  \
    } while (0)

/*
 * The same for two counters that lie side by side, with one store for both: whoever is killed leaves them as
 * they belong together. (The compiler gives a vector of 16 bytes one instruction on all that we run on.)
 */
typedef uint64_t atomic_pair __attribute__((vector_size(16), aligned(8), may_alias));

static inline void add_owned_pair(uint64_t *both, uint64_t first, uint64_t second)
{
    volatile atomic_pair *pair = (volatile atomic_pair *)both;
    *pair += (atomic_pair){first, second};
}

/* Stores before it are made before those after it, as far as the same thread, or who looks after its end, can
   tell. */
#define order_stores() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
