/*
 * Keeps       the counters of mappings: those of call sites of domain MTF_DOMAIN_MAPPINGS, and mtf_mapped.
 * Invariant   as for blocks (track/total.h): mtf_mapped.current_bytes is the sum over those sites of
 *             alloc_bytes - freed_bytes, and each site's bytes at the peak follow from its peak_epoch.
 * Threads     the holder of LOCK_MAP.
 * Memory      the report file's: a kill loses nothing.
 * On failure  cannot fail. After map_count_seal nothing changes any more.
 */
#ifndef MEMTRACK_MAP_COUNT_H
#define MEMTRACK_MAP_COUNT_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stdint.h>

/* A mapping of `size` bytes was made. The peak is not looked at yet. `path` of its file, 0 without one. */
void map_count_made(uint32_t site, uint64_t size, mtf_name_ref path);
/* The same for an mremap of a mapping that was there. */
void map_count_remade(uint32_t site, uint64_t size, mtf_name_ref path);
/* `size` bytes of a mapping are unmapped; `whole`: nothing is left of it. */
void map_count_gone(uint32_t site, uint64_t size, bool whole);
/* The same of one from before a fork. */
void map_count_gone_inherited(uint32_t site, uint64_t size, bool whole);
void map_count_inherit(uint32_t site, uint64_t size, bool first);
void map_count_failed(uint32_t site);
/* After each step: is what is mapped now the most ever? */
void map_count_peak(void);
void map_count_seal(void);
/* In a forked child, after its sites' counters were cleared: the process's own start anew. */
void map_count_restart(void);

#endif
