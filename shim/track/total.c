#include "track/total.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "measure/lifetime.h"
#include "measure/phase.h"
#include "measure/sizes.h"
#include "measure/timeline.h"
#include "measure/usage.h"
#include "memtrack/format.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/name.h"
#include "track/share.h"

#include <string.h>

struct lock total_lock = {.rank = LOCK_TOTAL};
bool total_is_sealed;
bool total_is_rising;
bool total_is_plain = true;
static uint64_t total_waits; /* events that found the lock held; LOCK_TOTAL */

void total_look_plain_locked(void)
{
    bool plain = !total_is_sealed && !load_relaxed(&share_is_on) && !lifetime_is_on;
    store_relaxed(&total_is_plain, plain);
}

void total_look_plain(void)
{
    bool taken = lock_enter(&total_lock);
    total_look_plain_locked();
    lock_leave(&total_lock, taken);
}

uint64_t total_take_sequences(uint64_t count)
{
    bool taken = lock_enter(&total_lock);
    uint64_t before = total_totals()->sequence;
    add_owned(&total_totals()->sequence, count);
    lock_leave(&total_lock, taken);
    return before;
}

uint64_t total_next_sequence(void)
{
    return total_take_sequences(1) + 1;
}

uint64_t total_sequence(void)
{
    return load_relaxed(&total_totals()->sequence);
}

static inline void total_disinherit_locked(struct mtf_site *site, size_t size)
{
    add_owned_pair(&site->inherited_blocks, (uint64_t)-1, -size); /* and inherited_bytes */
}

/* Two in a hundred events that wait, and a thousand of them, are threads at full speed. */
#define TOTAL_WAITS_LEAST 1000u
#define TOTAL_WAITS_PART 50u

MT_COLD void total_note_wait_locked(void)
{
    total_waits++;
    if (total_waits >= TOTAL_WAITS_LEAST && total_waits >= total_sequence() / TOTAL_WAITS_PART) {
        share_start();
        total_look_plain_locked();
    }
}

void total_alloc(uint32_t site, size_t size)
{
    bool taken = total_enter();
    if (MT_LIKELY(!total_is_sealed))
        total_alloc_locked(total_totals(), site, size);
    lock_leave(&total_lock, taken);
}

void total_free(uint32_t site, size_t size, bool temporary)
{
    bool taken = total_enter();
    if (MT_LIKELY(!total_is_sealed))
        total_free_locked(total_totals(), site, size, temporary);
    lock_leave(&total_lock, taken);
}

/* Both sites change in one step of the peak. */
void total_realloc_locked(struct mtf_site *old, size_t old_size, bool temporary,
                          struct mtf_site *site, size_t size)
{
    struct mtf_totals *totals = total_totals();
    add_owned(&totals->current_bytes, size - old_size);
    total_look_for_peak(totals, site);
    if (!total_is_rising)
        total_keep_peak(old, totals);
    total_subtract_from_site(old, old_size, temporary);
    total_add_to_site(site, size);
    add_owned(&site->reallocs, 1);
    sizes_count(sizes_shared, size);
    timeline_count();
}

void total_realloc(uint32_t old_site, size_t old_size, bool temporary, uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    if (MT_LIKELY(!total_is_sealed))
        total_realloc_locked(site_record(old_site), old_size, temporary, site_record(site), size);
    lock_leave(&total_lock, taken);
}

void total_realloc_inherited(uint32_t old_site, size_t old_size, uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed) {
        total_disinherit_locked(site_record(old_site), old_size);
        total_alloc_locked(total_totals(), site, size);
        add_owned(&site_record(site)->reallocs, 1);
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

void total_moved(uint32_t site, size_t size)
{
    bool taken = lock_enter(&total_lock);
    struct mtf_usage *usage = total_is_sealed ? NULL : usage_of(site);
    if (usage)
        add_owned(&usage->moved_bytes, size);
    lock_leave(&total_lock, taken);
}

void total_aligned(uint32_t site, size_t alignment)
{
    bool taken = lock_enter(&total_lock);
    struct mtf_usage *usage = total_is_sealed ? NULL : usage_of(site);
    if (usage && alignment > usage->alignment)
        store_relaxed(&usage->alignment, alignment < UINT32_MAX ? (uint32_t)alignment : UINT32_MAX);
    lock_leave(&total_lock, taken);
}

void total_freed_elsewhere(uint32_t site)
{
    bool taken = lock_enter(&total_lock);
    struct mtf_usage *usage = total_is_sealed ? NULL : usage_of(site);
    if (usage)
        add_owned(&usage->other_thread, 1);
    lock_leave(&total_lock, taken);
}

void total_set_usable(const uint64_t *usable, uint64_t count)
{
    bool taken = lock_enter(&total_lock);
    usage_set_usable(usable, count);
    lock_leave(&total_lock, taken);
}

void total_died(uint32_t site, uint64_t sequence)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed)
        lifetime_note_death(site, sequence);
    lock_leave(&total_lock, taken);
}

/* What the site's record is to be once the share is in it. */
static void total_plan_settle_locked(struct mtf_settle *plan, const struct mtf_share *share)
{
    const struct mtf_site *site = site_record(share->site);
    plan->site = share->site;
    plan->allocs = site->allocs + share->allocs;
    plan->alloc_bytes = site->alloc_bytes + share->alloc_bytes;
    plan->frees = site->frees + share->frees;
    plan->freed_bytes = site->freed_bytes + share->freed_bytes;
    plan->temporary = site->temporary + share->temporary;
    plan->reallocs = site->reallocs + share->reallocs;
    plan->zero_size = site->zero_size + share->zero_size;
    plan->largest = share->largest > site->largest ? share->largest : site->largest;
    order_stores();
    store_relaxed(&plan->share,
                  (uint64_t)(share - (struct mtf_share *)file_table(MTF_KIND_SHARES)) + 1);
    order_stores();
}

static void total_settle_one_locked(struct mtf_share *share)
{
    struct mtf_site *site = site_record(share->site);
    struct mtf_totals *totals = total_totals();
    struct mtf_settle *plan = &file_header->settle;
    struct mtf_share part = *share;
    total_plan_settle_locked(plan, share);
    *share = (struct mtf_share){.site = part.site};
    total_keep_peak(site, totals);
    store_relaxed(&site->allocs, plan->allocs);
    store_relaxed(&site->alloc_bytes, plan->alloc_bytes);
    store_relaxed(&site->frees, plan->frees);
    store_relaxed(&site->freed_bytes, plan->freed_bytes);
    store_relaxed(&site->temporary, plan->temporary);
    store_relaxed(&site->reallocs, plan->reallocs);
    store_relaxed(&site->zero_size, plan->zero_size);
    store_relaxed(&site->largest, plan->largest);
    order_stores();
    store_relaxed(&plan->share, 0);
    add_owned_pair(&totals->current_bytes, part.alloc_bytes - part.freed_bytes,
                   part.allocs - part.frees);
}

static void total_settle_locked(struct mtf_share *shares, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (shares[i].allocs | shares[i].frees)
            total_settle_one_locked(&shares[i]);
    }
    total_is_rising = false; /* the sites above have kept what they had */
    total_look_for_peak(total_totals(), site_record(0));
    timeline_count();
}

void total_settle(struct mtf_share *shares, uint32_t count)
{
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed)
        total_settle_locked(shares, count);
    lock_leave(&total_lock, taken);
}

static struct mtf_share *total_reserve_shares_locked(uint32_t count)
{
    uint64_t index = file_reserve(MTF_KIND_SHARES, count);
    if (index == FILE_FULL)
        return NULL;
    file_publish(MTF_KIND_SHARES, index + count);
    add_owned(&total_totals()->peak_error, SHARE_DRIFT);
    return (struct mtf_share *)file_table(MTF_KIND_SHARES) + index;
}

struct mtf_share *total_reserve_shares(uint32_t count)
{
    bool taken = lock_enter(&total_lock);
    struct mtf_share *shares = total_is_sealed ? NULL : total_reserve_shares_locked(count);
    lock_leave(&total_lock, taken);
    return shares;
}

static void total_seal_locked(void)
{
    struct mtf_totals *totals = total_totals();
    uint64_t sites = file_count(MTF_KIND_SITES);
    total_settle_locked(file_table(MTF_KIND_SHARES), file_count(MTF_KIND_SHARES));
    for (uint64_t i = 0; i < sites; i++) {
        const struct mtf_site *site = site_record((uint32_t)i);
        if (site->domain != MTF_DOMAIN_HEAP)
            continue;
        totals->sealed_allocs += site->allocs;
        totals->sealed_alloc_bytes += site->alloc_bytes;
        totals->sealed_frees += site->frees;
        totals->sealed_freed_bytes += site->freed_bytes;
    }
    phase_finish();
    timeline_finish();
    total_is_sealed = true;
    total_look_plain_locked();
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
    file_header->settle.share = 0;
    uint64_t sites = file_count(MTF_KIND_SITES);
    for (uint64_t i = 0; i < sites; i++) {
        struct mtf_site *site = site_record((uint32_t)i);
        struct mtf_site empty = {.node = site->node, .domain = site->domain};
        *site = empty;
    }
    memset(file_table(MTF_KIND_SHARES), 0, file_count(MTF_KIND_SHARES) * sizeof(struct mtf_share));
    file_clear(MTF_KIND_SHARES);
    share_restart();
    sizes_restart();
    usage_restart();
    phase_restart();
    timeline_restart();
    total_is_sealed = false;
    total_is_rising = false;
    total_look_plain_locked();
}

void total_inherit(uint32_t site, size_t size)
{
    struct mtf_site *record = site_record(site);
    record->inherited_blocks++;
    record->inherited_bytes += size;
}

void total_phase(const char *name, size_t length)
{
    mtf_name_ref reference = name_add(name, length); /* before: names rank below totals */
    bool taken = lock_enter(&total_lock);
    if (!total_is_sealed && reference)
        phase_begin(reference);
    lock_leave(&total_lock, taken);
}

struct mtf_size *total_reserve_sizes(void)
{
    bool taken = lock_enter(&total_lock);
    struct mtf_size *sizes = total_is_sealed ? NULL : sizes_reserve();
    lock_leave(&total_lock, taken);
    return sizes;
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
    lifetime_fork_child();
}
