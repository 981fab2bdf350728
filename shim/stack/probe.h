/*
 * Keeps       reads of the host's stack that cannot fault, whatever the address.
 * Invariant   every byte of [low, high) was readable when it was last asked, and belongs to the
 *             stack that the owner was running on then.
 * Threads     one probe per thread and level of captures; legal in a signal handler.
 * Memory      two words, the owner's.
 * On failure  probe_read returns false; nothing was read.
 *
 * The kernel is asked once per page of stack; later reads of that stack cost two comparisons. The
 * range outlives a capture because a stack stays mapped while its thread runs on it.
 */
#ifndef MEMTRACK_STACK_PROBE_H
#define MEMTRACK_STACK_PROBE_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

struct probe {
    uintptr_t low;
    uintptr_t high;
};

void probe_begin_slow(struct probe *probe, uintptr_t sp);
bool probe_extend_slow(struct probe *probe, uintptr_t address);

/* Takes a stack pointer that the thread runs on: keeps the range if it belongs to it. */
MT_INLINE void probe_begin(struct probe *probe, uintptr_t sp)
{
    if (MT_UNLIKELY(sp < probe->low || sp >= probe->high))
        probe_begin_slow(probe, sp);
}

/* Is every word of the stack from `first` to `last` known to be readable? */
MT_INLINE bool probe_covers(const struct probe *probe, uintptr_t first, uintptr_t last)
{
    return first >= probe->low && last < probe->high && probe->high - last >= sizeof(uintptr_t);
}

/* Are the 8 bytes at `address` readable? */
MT_INLINE bool probe_holds(struct probe *probe, uintptr_t address)
{
    if (MT_LIKELY(address >= probe->low && address < probe->high &&
                  probe->high - address >= sizeof(uintptr_t)))
        return true;
    return probe_extend_slow(probe, address);
}

MT_INLINE bool probe_read(struct probe *probe, uintptr_t address, uintptr_t *value)
{
    if (MT_UNLIKELY(!probe_holds(probe, address)))
        return false;
    __builtin_memcpy(value, (const void *)address, sizeof(*value));
    return true;
}

#endif
