/*
 * Keeps       the list of blocks that are live at the end (BLOCKS): some of each call site's.
 * Invariant   at most `limit` blocks per site, none inherited.
 * Threads     the one that ends the process image; others may run on.
 * Memory      two bytes per site while it works; the file's.
 * On failure  fewer blocks are listed; the counters do not depend on them.
 */
#ifndef MEMTRACK_TRACK_SAMPLE_H
#define MEMTRACK_TRACK_SAMPLE_H

#include <stdint.h>

void sample_live_blocks(uint32_t limit);
/* Fills in what the allocator gave for the first `count` records of BLOCKS, where it can be asked. */
void sample_ask_usable(uint64_t count);

#endif
