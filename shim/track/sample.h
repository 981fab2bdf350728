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

#endif
