/*
 * Keeps       the counters of call sites and of the process, and the exact peak.
 * Invariant   totals.current_bytes == sum over sites of alloc_bytes - freed_bytes (inherited blocks
 *             aside), and each site's bytes at the peak follow from format.h's equation.
 * Threads     any; each call is one step under LOCK_TOTAL. They are stored in the report file's
 *             memory, so nothing is lost when the process is killed.
 * Memory      the file's.
 * On failure  cannot fail. After total_seal nothing changes any more.
 *
 * The peak per site costs one comparison an event: a new maximum raises the peak's epoch; a site
 * whose epoch is older has not changed since that maximum, and saves what it has before it changes. A
 * maximum that follows another one immediately needs no new epoch, for no site has saved anything yet:
 * while the heap only grows, nothing is saved at all.
 */
#ifndef MEMTRACK_TRACK_TOTAL_H
#define MEMTRACK_TRACK_TOTAL_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock.h"
#include "measure/sizes.h"
#include "measure/timeline.h"
#include "memtrack/format.h"
#include "stack/site.h"
#include "store/file.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The newest number given out. */
uint64_t total_sequence(void);
/* Number of a new allocation. */
uint64_t total_next_sequence(void);
void total_alloc(uint32_t site, size_t size);
void total_free(uint32_t site, size_t size, bool temporary);
/* A block of old_size at old_site became one of `size` at `site`, in one step of the peak. */
void total_realloc(uint32_t old_site, size_t old_size, bool temporary, uint32_t site, size_t size);
/* The same where the old block was inherited from before a fork. */
void total_realloc_inherited(uint32_t old_site, size_t old_size, uint32_t site, size_t size);
void total_free_inherited(uint32_t site, size_t size);
void total_failed(uint32_t site);
void total_foreign_free(void);
/* A realloc at this site moved `size` bytes. */
void total_moved(uint32_t site, size_t size);
/* An allocation at this site asked for an alignment. */
void total_aligned(uint32_t site, size_t alignment);
/* Another thread than the one that allocated it has freed a block of this site. */
void total_freed_elsewhere(uint32_t site);
/* What the allocator really gave for the live blocks of each of `count` sites; also when sealed. */
void total_set_usable(const uint64_t *usable, uint64_t count);
/* The block with this number has died; only if lifetime_is_on (measure/lifetime.h). */
void total_died(uint32_t site, uint64_t sequence);
/* Writes the sealed sums; later calls of the above are ignored. */
void total_seal(void);
/* The sums, for the line at the end. */
void total_current(uint64_t *bytes, uint64_t *blocks);
/* In a forked child, with private tables: all counters of all sites start anew. */
void total_restart(void);
/* In a forked child: one block that lived before the fork. */
void total_inherit(uint32_t site, size_t size);
/* Takes `count` numbers at once; the one before the first. */
uint64_t total_take_sequences(uint64_t count);
/* Records for a thread's shares (track/share.h), zero; NULL if there is no room. */
struct mtf_share *total_reserve_shares(uint32_t count);
/* The host names what it does from here on. */
void total_phase(const char *name, size_t length);
/* A histogram of sizes for a thread that has shares; NULL if there is no room. */
struct mtf_size *total_reserve_sizes(void);
/* Adds shares to their sites' records and empties them, in one step of the peak. */
void total_settle(struct mtf_share *shares, uint32_t count);
void total_fork_prepare(void);
void total_fork_parent(void);
void total_fork_child(void);

/* ---- the straight way ---- */

extern struct lock total_lock;
extern bool total_is_sealed; /* LOCK_TOTAL */
/* Nothing has changed since the last peak was reached: no site has kept what it had then. LOCK_TOTAL */
extern bool total_is_rising;
void total_note_wait_locked(void);
/* All that is rare is off: shares, lifetimes, the end. LOCK_TOTAL; see live.c */
extern bool total_is_plain;
void total_look_plain_locked(void);
/* At the start, when options are known. */
void total_look_plain(void);
void total_realloc_locked(struct mtf_site *old, size_t old_size, bool temporary,
                          struct mtf_site *site, size_t size);

MT_INLINE struct mtf_totals *total_totals(void)
{
    return &file_header->totals;
}

/* Number of a new allocation. */
MT_INLINE uint64_t total_next_sequence_locked(void)
{
    add_owned(&total_totals()->sequence, 1);
    return total_totals()->sequence;
}

/* Before a site changes: what it has now is what it had at the last peak. */
MT_INLINE void total_keep_peak(struct mtf_site *site, const struct mtf_totals *totals)
{
    uint64_t epoch = totals->peak_epoch;
    if (site->peak_epoch == epoch)
        return;
    store_relaxed(&site->at_peak_bytes, site->alloc_bytes - site->freed_bytes);
    store_relaxed(&site->at_peak_blocks, site->allocs - site->frees);
    store_relaxed(&site->peak_epoch, epoch);
}

/* The sums have reached a new peak, with sequence number `sequence`. */
MT_INLINE void total_note_peak(struct mtf_totals *totals, uint64_t sequence)
{
    store_relaxed(&totals->peak_bytes, totals->current_bytes);
    store_relaxed(&totals->peak_blocks, totals->current_blocks);
    store_relaxed(&totals->peak_sequence, sequence);
    if (MT_LIKELY(total_is_rising))
        return;
    total_is_rising = true;
    add_owned(&totals->peak_epoch, 1);
}

/* After the sums have changed and before the site does: is this a peak? If not, the site keeps what it
   had at the last one. */
MT_INLINE void total_look_for_peak(struct mtf_totals *totals, struct mtf_site *site)
{
    /* The highest since the timeline's last point is never above the peak: one comparison for both. */
    uint64_t current = totals->current_bytes;
    if (MT_UNLIKELY(current > timeline_clock.highest_bytes)) {
        timeline_clock.highest_bytes = current;
        if (current > totals->peak_bytes) {
            total_note_peak(totals, load_relaxed(&totals->sequence));
            return;
        }
    }
    total_is_rising = false;
    total_keep_peak(site, totals);
}

MT_INLINE void total_add_to_site(struct mtf_site *site, size_t size)
{
    add_owned_pair(&site->allocs, 1, size); /* and alloc_bytes */
    if (MT_UNLIKELY(size > site->largest))
        store_relaxed(&site->largest, size);
    if (MT_UNLIKELY(size == 0))
        add_owned(&site->zero_size, 1);
}

MT_INLINE void total_subtract_from_site(struct mtf_site *site, size_t size, bool temporary)
{
    add_owned_pair(&site->frees, 1, size); /* and freed_bytes */
    if (temporary)
        add_owned(&site->temporary, 1);
}

MT_INLINE void total_alloc_locked(struct mtf_totals *totals, uint32_t site, size_t size)
{
    struct mtf_site *record = site_record(site);
    add_owned_pair(&totals->current_bytes, size, 1); /* and current_blocks */
    total_look_for_peak(totals, record);
    total_add_to_site(record, size);
    sizes_count(sizes_shared, size);
    timeline_count();
}

MT_INLINE void total_free_locked(struct mtf_totals *totals, uint32_t site, size_t size,
                                 bool temporary)
{
    struct mtf_site *record = site_record(site);
    total_is_rising = false;
    total_keep_peak(record, totals);
    add_owned_pair(&totals->current_bytes, -size, (uint64_t)-1);
    total_subtract_from_site(record, size, temporary);
    timeline_count();
}

/* The result goes to lock_leave. */
MT_INLINE bool total_enter(void)
{
    if (MT_LIKELY(*lock_single))
        return false;
    bool busy = load_relaxed(&total_lock.word) != 0;
    bool taken = lock_enter(&total_lock);
    if (MT_UNLIKELY(busy && taken))
        total_note_wait_locked();
    return taken;
}

#endif
