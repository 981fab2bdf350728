/*
 * Keeps       which pages of the address space hold something and can be read without a fault.
 * Invariant   a stretch that pages_each gives is readable, as far as the kernel can tell beforehand;
 *             pages that were never written are left out, and reading does not make them real.
 * Threads     the one that checks for leaks.
 * Memory      one descriptor (/proc/self/pagemap) and 4 KiB, until pages_end.
 * On failure  without a pagemap each page is asked for by itself, which is slower.
 */
#ifndef MEMTRACK_SCAN_PAGES_H
#define MEMTRACK_SCAN_PAGES_H

#include "scan/space.h"
#include <stddef.h>
#include <stdint.h>

#define PAGES_BATCH 512u

struct pages {
    int fd; /* -1: none */
    size_t page;
    uint64_t entries[PAGES_BATCH];
    unsigned char resident[PAGES_BATCH];
};

typedef void (*pages_visit)(const uintptr_t *from, const uintptr_t *to, void *context);

void pages_start(struct pages *pages);
void pages_end(struct pages *pages);
/* Gives what can be read of [start, end), which lies inside `area`, in order. */
void pages_each(struct pages *pages, const struct space_area *area, uintptr_t start, uintptr_t end,
                pages_visit visit, void *context);

#endif
