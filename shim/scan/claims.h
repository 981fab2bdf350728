/*
 * Keeps       what the program said of its memory (memtrack.h, LeakSanitizer's interface): root regions,
 *             blocks that are no leaks, stretches of a thread's life whose blocks are none.
 * Invariant   a claim on a block names it by address and sequence number: whoever gets the address next
 *             is another block.
 * Threads     any, inside the shim; takes LOCK_CLAIMS.
 * Memory      private: 16 bytes a region, 16 a block, 24 a stretch. Claims on blocks that are gone are
 *             dropped when the table is full.
 * On failure  false: no memory, or no such block or region.
 */
#ifndef MEMTRACK_SCAN_CLAIMS_H
#define MEMTRACK_SCAN_CLAIMS_H

#include "scan/census.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool claims_add_region(uintptr_t start, size_t size);
/* Of those registered with just this start and size, one. */
bool claims_remove_region(uintptr_t start, size_t size);
/* The live block that `address` is in is no leak. `newest`: the last sequence number that was given so far. */
bool claims_ignore(const void *address, uint64_t newest);
/* The blocks that a thread allocates with numbers above `after` are no leaks ... */
bool claims_begin_stretch(uint32_t thread, uint64_t after);
/* ... up to `until`. */
void claims_end_stretch(uint32_t thread, uint64_t until);

/* During a check: calls visit for each region, and marks what is ignored in the census. */
void claims_each_region(void (*visit)(uintptr_t start, uintptr_t end, void *context),
                        void *context);
void claims_mark(struct census *census);

void claims_fork_prepare(void);
void claims_fork_parent(void);
/* `whole` as in live_fork_child. */
void claims_fork_child(bool whole);

#endif
