/*
 * Keeps       what the address space holds at the end: MAPPINGS, REGIONS, threads' stacks, and the end
 *             figures of mtf_mapped.
 * Invariant   regions do not overlap; the sum of their resident bytes is mtf_mapped.resident.
 * Threads     the one that ends the process image, inside the shim; others may run on, and what they do
 *             meanwhile is in or not.
 * Memory      private, while it works: some 100 bytes a region; a bit for each page of the heap. Calls no
 *             function of the allocator: another thread may hold its locks for ever.
 * On failure  the tables stay empty, or end at LAYOUT_PARTS_MAX regions; the host is never waited for.
 */
#ifndef MEMTRACK_MAP_LAYOUT_H
#define MEMTRACK_MAP_LAYOUT_H

#define LAYOUT_PARTS_MAX 65536u

void layout_write(void);
/* The process goes on: forget it. */
void layout_forget(void);

#endif
