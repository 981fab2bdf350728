#include "track/total.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "memtrack/format.h"
#include "stack/site.h"
#include "store/file.h"

#include <string.h>

static struct lock total_lock = {.rank = LOCK_TOTAL};
static bool total_is_sealed; /* LOCK_TOTAL */

static inline struct mtf_totals *total_totals(void)
{
    return &file_header->totals;
}

uint64_t total_next_sequence(void)
{
    uint64_t *sequence = &total_totals()->sequence;
    if (MT_UNLIKELY(!*lock_single))
        return add_relaxed(sequence, 1) + 1;
    add_owned(sequence, 1);
    return *sequence;
}

uint64_t total_sequence(void)
{
    return load_relaxed(&total_totals()->sequence);
}

/* Before a site changes: what it has now is what it had at the last peak. */
static inline void total_keep_peak(struct mtf_site *site, const struct mtf_totals *totals)
{
    if (site->peak_epoch == totals->peak_epoch)
        return;
    store_relaxed(&site->at_peak_bytes, site->alloc_bytes - site->freed_bytes);
    store_relaxed(&site->at_peak_blocks, site->allocs - site->frees);
    store_relaxed(&site->peak_epoch, totals->peak_epoch);
}

static inline void total_look_for_peak(struct mtf_totals *totals)
{
    if (totals->current_bytes <= totals->peak_bytes)
        return;
    store_relaxed(&totals->peak_bytes, totals->current_bytes);
    store_relaxed(&totals->peak_blocks, totals->current_blocks);
    store_relaxed(&totals->peak_sequence, load_relaxed(&totals->sequence));
    add_owned(&totals->peak_epoch, 1);
}

static inline void total_add_locked(struct mtf_site *site, size_t size)
{
    struct mtf_totals *totals = total_totals();
    total_keep_peak(site, totals);
    add_owned(&site->allocs, 1);
    add_owned(&site->alloc_bytes, size);
    if (size > site->largest)
        store_relaxed(&site->largest, size);
    if (MT_UNLIKELY(size == 0))
        add_owned(&site->zero_size, 1);
    add_owned(&totals->current_bytes, size);
    add_owned(&totals->current_blocks, 1);
}

static inline void total_subtract_locked(struct mtf_site *site, size_t size, bool temporary)
{
    struct mtf_totals *totals = total_totals();
    total_keep_peak(site, totals);
    add_owned(&site->frees, 1);
    add_owned(&site->freed_bytes, size);
    if (temporary)
        add_owned(&site->temporary, 1);
    add_owned(&totals->current_bytes, -size);
    add_owned(&totals->current_blocks, (uint64_t)-1);
}

static inline void total_disinherit_locked(struct mtf_site *site, size_t size)
{
    add_owned(&site->inherited_blocks, (uint64_t)-1);
    add_owned(&site->inherited_bytes, -size);
}

void total_alloc(uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    if (MT_LIKELY(!total_is_sealed)) {
        total_add_locked(site_record(site), size);
        total_look_for_peak(total_totals());
    }
    lock_leave(&total_lock, taken);
}

void total_free(uint32_t site, size_t size, bool temporary)
{
    bool taken = lock_enter(&total_lock);
    if (MT_LIKELY(!total_is_sealed))
        total_subtract_locked(site_record(site), size, temporary);
    lock_leave(&total_lock, taken);
}

void total_realloc(uint32_t old_site, size_t old_size, bool temporary, uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    if (MT_LIKELY(!total_is_sealed)) {
        total_subtract_locked(site_record(old_site), old_size, temporary);
        total_add_locked(site_record(site), size);
        add_owned(&site_record(site)->reallocs, 1);
        total_look_for_peak(total_totals());
    }
    lock_leave(&total_lock, taken);
}

void total_realloc_inherited(uint32_t old_site, size_t old_size, uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed) {
        total_disinherit_locked(site_record(old_site), old_size);
        total_add_locked(site_record(site), size);
        add_owned(&site_record(site)->reallocs, 1);
        total_look_for_peak(total_totals());
    }
    lock_leave(&total_lock, taken);
}

void total_free_inherited(uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed)
        total_disinherit_locked(site_record(site), size);
    lock_leave(&total_lock, taken);
}

void total_failed(uint32_t site)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed)
        add_owned(&site_record(site)->failed, 1);
    lock_leave(&total_lock, taken);
}

void total_foreign_free(void)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed)
        add_owned(&total_totals()->foreign_frees, 1);
    lock_leave(&total_lock, taken);
}

static void total_seal_locked(void)
{
    struct mtf_totals *totals = total_totals();
    uint64_t sites = file_count(MTF_KIND_SITES);
    for (uint64_t i = 0; i < sites; i++) {
        const struct mtf_site *site = site_record((uint32_t)i);
        totals->sealed_allocs += site->allocs;
        totals->sealed_alloc_bytes += site->alloc_bytes;
        totals->sealed_frees += site->frees;
        totals->sealed_freed_bytes += site->freed_bytes;
    }
    total_is_sealed = true;
}

void total_seal(void)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed)
        total_seal_locked();
    lock_leave(&total_lock, taken);
}

void total_current(uint64_t *bytes, uint64_t *blocks)
{
    *bytes = load_relaxed(&total_totals()->current_bytes);
    *blocks = load_relaxed(&total_totals()->current_blocks);
}

void total_restart(void)
{
    struct mtf_totals fresh = {.sequence = total_totals()->sequence};
    *total_totals() = fresh;
    uint64_t sites = file_count(MTF_KIND_SITES);
    for (uint64_t i = 0; i < sites; i++) {
        struct mtf_site *site = site_record((uint32_t)i);
        struct mtf_site empty = {.node = site->node};
        *site = empty;
    }
    total_is_sealed = false;
}

void total_inherit(uint32_t site, size_t size)
{
    struct mtf_site *record = site_record(site);
    record->inherited_blocks++;
    record->inherited_bytes += size;
}

void total_fork_prepare(void)
{
    lock_hold(&total_lock);
}

void total_fork_parent(void)
{
    lock_release(&total_lock);
}

void total_fork_child(void)
{
    lock_reset(&total_lock);
}
