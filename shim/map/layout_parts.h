/*
 * Keeps       the list of parts of the address space from which REGIONS are made.
 * Invariant   sorted by address, without overlaps.
 * Threads     one.
 * Memory      private, doubled as it grows; freed by layout_parts_free.
 * On failure  layout_parts_read returns false: what there is is a beginning, or nothing.
 */
#ifndef MEMTRACK_MAP_LAYOUT_PARTS_H
#define MEMTRACK_MAP_LAYOUT_PARTS_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layout_part {
    uintptr_t start;
    uintptr_t end;
    uint64_t resident;
    uint64_t dirty;
    uint64_t swapped;
    uint32_t kind; /* enum mtf_region_kind */
    uint32_t protection;
    mtf_name_ref path;
    uint32_t thread;
    bool has_blocks;    /* live heap blocks begin here */
    uint64_t first_bit; /* layout.c: of its pages */
};

/* A range of which it is known what it is, before the kernel is asked. */
struct layout_claim {
    uintptr_t start;
    uintptr_t end;
    uint32_t kind;
};

struct layout_parts {
    struct layout_part *parts;
    size_t count, room;
    struct layout_claim *claims;
    size_t claim_count, claim_room;
    size_t next_claim; /* the first that does not end below the part at hand */
};

/* Reads the kernel's list and cuts it where claims begin and end. */
bool layout_parts_read(struct layout_parts *parts);
/* The part that holds an address; NULL if none does. */
struct layout_part *layout_parts_find(const struct layout_parts *parts, uintptr_t address);
void layout_parts_free(struct layout_parts *parts);

#endif
