#include "stack/probe.h"
#include "base/sys.h"

#define PROBE_SPAN (1u << 20) /* a step this wide along one stack is still the same stack */

static uintptr_t page_of(uintptr_t address)
{
    return address & ~(uintptr_t)(SYS_PAGE - 1);
}

/* Grows the range page by page, down or up, until it holds the page of `address`. */
static bool probe_grow(struct probe *probe, uintptr_t address)
{
    uintptr_t page = page_of(address);
    while (page < probe->low) {
        if (!sys_readable((const void *)(probe->low - SYS_PAGE)))
            return false;
        probe->low -= SYS_PAGE;
    }
    while (page >= probe->high) {
        if (!sys_readable((const void *)probe->high))
            return false;
        probe->high += SYS_PAGE;
    }
    return true;
}

static bool probe_is_near(const struct probe *probe, uintptr_t address)
{
    return probe->high && address + PROBE_SPAN > probe->low && address < probe->high + PROBE_SPAN;
}

void probe_begin_slow(struct probe *probe, uintptr_t sp)
{
    if (sp < probe->low && probe_is_near(probe, sp) && probe_grow(probe, sp))
        return;
    probe->low = page_of(sp);
    probe->high = probe->low + SYS_PAGE;
}

/* An address far from the range is asked for by itself: an alternate stack hands over to the
   interrupted one, or the address is no stack at all. */
bool probe_extend_slow(struct probe *probe, uintptr_t address)
{
    uintptr_t last = address + sizeof(uintptr_t) - 1;
    if (last < address)
        return false;
    if (address >= probe->low && probe_is_near(probe, last) && probe_grow(probe, last))
        return true;
    return sys_readable((const void *)address) && sys_readable((const void *)last);
}
