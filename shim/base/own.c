#include "base/own.h"
#include "base/atomic.h"

#include <stdbool.h>

/* A free place has start 0; while it is being filled, OWN_TAKEN. */
#define OWN_TAKEN 1u

static struct {
    uintptr_t start; /* tag OWN-START: `end` is complete before it */
    uintptr_t end;
} own_ranges[OWN_MAX];
static uint32_t own_used; /* places from here on were never taken; any thread */
static uint32_t own_hint; /* a place that may be free; any thread */

static bool own_take(uint32_t at)
{
    uintptr_t expected = 0;
    return swap_acquire(&own_ranges[at].start, &expected, OWN_TAKEN);
}

/* The place that was given back last, or one that was never taken. */
static uint32_t own_place(void)
{
    uint32_t hint = load_relaxed(&own_hint);
    if (hint < load_relaxed(&own_used) && own_take(hint))
        return hint;
    uint32_t at = add_relaxed(&own_used, 1);
    if (at < OWN_MAX && own_take(at))
        return at;
    store_relaxed(&own_used, OWN_MAX);
    for (at = 0; at < OWN_MAX && !own_take(at); at++)
        ;
    return at;
}

void own_add(const void *start, size_t size)
{
    uint32_t at = own_place();
    if (at == OWN_MAX)
        return;
    own_ranges[at].end = (uintptr_t)start + size;
    store_release(&own_ranges[at].start, (uintptr_t)start); /* OWN-START */
}

void own_remove(const void *start)
{
    uint32_t used = load_relaxed(&own_used);
    for (uint32_t at = used < OWN_MAX ? used : OWN_MAX; at-- > 0;) {
        if (load_relaxed(&own_ranges[at].start) != (uintptr_t)start)
            continue;
        store_relaxed(&own_hint, at);
        store_release(&own_ranges[at].start, 0); /* OWN-START */
        return;
    }
}

void own_each(void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context)
{
    uint32_t used = load_relaxed(&own_used);
    for (uint32_t at = 0; at < used && at < OWN_MAX; at++) {
        uintptr_t start = load_acquire(&own_ranges[at].start); /* OWN-START */
        if (start > OWN_TAKEN)
            visit(start, own_ranges[at].end, context);
    }
}
