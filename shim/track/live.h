/*
 * Keeps       the live table: what is allocated now, by address.
 * Invariant   an address is in the table from after its real allocation to before its real free.
 *
 *               shard (hash of the area) -> table of areas, 256 KiB of address space each
 *               area   -> 256 regions of 1 KiB, 16 bytes each: one page
 *               region -> slots of its blocks: tag and entry, 13 bytes each (track/region.h)
 *
 *             so neighbours share cache lines, and an address costs one byte of its own. Addresses
 *             that are no multiple of 16 have areas of their own, by their low bits.
 * Threads     any; takes the shard's lock (LOCK_LIVE).
 * Memory      private. Per live block 13 to 20 bytes where more than one is in a region, 32 for one
 *             alone; per region 16 bytes, in pages that exist where anything lives; 24 bytes an area
 *             over a load of 1/3 to 2/3. At a million blocks of 280 bytes: about 22 bytes a block.
 * On failure  LIVE_FULL: the block is not in the table.
 */
#ifndef MEMTRACK_TRACK_LIVE_H
#define MEMTRACK_TRACK_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_THREAD_MAX 0xffffu              /* later threads are the unknown one, 0 */
#define LIVE_SEQUENCE_MAX ((1ull << 40) - 1) /* later blocks have the low bits of theirs */

struct live_block {
    size_t size; /* requested bytes */
    uint64_t sequence;
    uint32_t site;
    uint32_t thread;
};

enum live_result {
    LIVE_INSERTED,
    LIVE_REPLACED, /* the address was in the table: its free was never seen */
    LIVE_FULL,
};

/* Adds a block. On LIVE_REPLACED *old is what was there. */
enum live_result live_insert(const void *address, const struct live_block *block,
                             struct live_block *old);
/* Takes a block out if its sequence number is at most `newest`. */
bool live_remove(const void *address, uint64_t newest, struct live_block *block);
/* What is known of the block that begins at an address; false if none does. */
bool live_find(const void *address, struct live_block *block);
/* Calls visit for every stretch of 1 << LIVE_AREA_SHIFT bytes in which blocks begin, with its number (address >>
   LIVE_AREA_SHIFT) and how many begin there; several times for one where some are at odd addresses. */
#define LIVE_AREA_SHIFT 18
void live_each_area(void (*visit)(uint64_t number, uint64_t blocks, void *context), void *context);
/* Calls visit for every block, in order within 256 KiB, with the shard's lock held. */
void live_each(void (*visit)(const void *address, const struct live_block *block, void *context),
               void *context);
uint64_t live_count(void);
/* In a forked child: sites have new numbers (site_shrink). */
void live_renumber(const uint32_t *numbers, uint64_t count);
void live_fork_prepare(void);
void live_fork_parent(void);
/* Before total_fork_child. `whole`: every lock was held for the fork. Otherwise a shard that another thread was changing is
   given up. */
void live_fork_child(bool whole);
/* Blocks that were lost so. Not counted in the file here: it may still be the parent's. */
uint64_t live_given_up(void);
/* Every area reachable by its key, slots and counts agree; for tests. */
bool live_check(void);

#endif
