/*
 * Keeps       what the next allocator really gave for live blocks, rounding included: in all, and for each
 *             call site (USAGE).
 * Invariant   with one thread left, of glibc's blocks, as the word in front of each says; otherwise, or
 *             where that cannot be read, as glibc's rule has it, which may be 16 bytes less. Of another
 *             allocator nothing is known: 0.
 * Threads     the one that walks the live blocks. Others may free blocks meanwhile.
 * Memory      private, 8 bytes a call site, until usable_end.
 * On failure  without that memory only the sum of all is known.
 */
#ifndef MEMTRACK_MAP_USABLE_H
#define MEMTRACK_MAP_USABLE_H

#include "track/live.h"

#include <stdbool.h>
#include <stdint.h>

struct usable {
    uint64_t all;      /* of inherited blocks, too */
    uint64_t *by_site; /* of those that are not inherited */
    uint64_t sites;
    uintptr_t page; /* that was looked at last */
    bool page_is_readable;
};

void usable_begin(struct usable *usable);
void usable_add(struct usable *usable, uintptr_t at, const struct live_block *block);
/* USAGE is written. */
void usable_end(struct usable *usable);

#endif
