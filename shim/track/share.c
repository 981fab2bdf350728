#include "track/share.h"
#include "base/atomic.h"
#include "measure/sizes.h"
#include "memtrack/format.h"
#include "track/total.h"

bool share_is_on; /* any thread; never back but in a forked child */

void share_start(void)
{
    store_relaxed(&share_is_on, true);
}

void share_restart(void)
{
    store_relaxed(&share_is_on, false);
}

/* The thread's share of a site; NULL if it has no room. */
static MT_COLD struct mtf_share *share_take_slow(struct self *self, uint32_t site)
{
    if (self->shares == NULL)
        self->shares = total_reserve_shares(SHARE_SLOTS);
    if (self->shares == NULL)
        return NULL;
    struct mtf_share *share = &self->shares[site & (SHARE_SLOTS - 1)];
    total_settle(share, 1);
    store_relaxed(&share->site, site);
    return share;
}

static inline struct mtf_share *share_take(struct self *self, uint32_t site)
{
    if (MT_LIKELY(self->shares != NULL)) {
        struct mtf_share *share = &self->shares[site & (SHARE_SLOTS - 1)];
        if (MT_LIKELY(share->site == site))
            return share;
    }
    return share_take_slow(self, site);
}

static inline void share_drift(struct self *self, int64_t bytes)
{
    self->drift += bytes;
    if (MT_LIKELY(self->drift < SHARE_DRIFT && self->drift > -SHARE_DRIFT))
        return;
    total_settle(self->shares, SHARE_SLOTS);
    self->drift = 0;
}

static inline void share_add(struct mtf_share *share, size_t size)
{
    add_owned_pair(&share->allocs, 1, size); /* and alloc_bytes */
    if (MT_UNLIKELY(size == 0))
        add_owned(&share->zero_size, 1);
    if (MT_UNLIKELY(size > share->largest))
        store_relaxed(&share->largest, size);
}

static inline void share_subtract(struct mtf_share *share, size_t size, bool temporary)
{
    add_owned_pair(&share->frees, 1, size); /* and freed_bytes */
    if (temporary)
        add_owned(&share->temporary, 1);
}

static inline void share_count_size(struct self *self, size_t size)
{
    if (MT_UNLIKELY(self->sizes == NULL))
        self->sizes = total_reserve_sizes();
    if (MT_LIKELY(self->sizes != NULL))
        sizes_count(self->sizes, size);
}

/* A block as large as the drift may be is counted at once, so that the bound holds for it, too. */
static inline bool share_is_large(size_t size)
{
    return size >= (size_t)SHARE_DRIFT;
}

void share_alloc(struct self *self, uint32_t site, size_t size)
{
    struct mtf_share *share = share_is_large(size) ? NULL : share_take(self, site);
    if (MT_UNLIKELY(share == NULL)) {
        total_alloc(site, size);
        return;
    }
    share_add(share, size);
    share_count_size(self, size);
    share_drift(self, (int64_t)size);
}

void share_free(struct self *self, uint32_t site, size_t size, bool temporary)
{
    struct mtf_share *share = share_is_large(size) ? NULL : share_take(self, site);
    if (MT_UNLIKELY(share == NULL)) {
        total_free(site, size, temporary);
        return;
    }
    share_subtract(share, size, temporary);
    share_drift(self, -(int64_t)size);
}

void share_realloc(struct self *self, uint32_t old_site, size_t old_size, bool temporary,
                   uint32_t site, size_t size)
{
    if (share_is_large(size) || share_is_large(old_size)) {
        total_realloc(old_site, old_size, temporary, site, size);
        return;
    }
    share_free(self, old_site, old_size, temporary);
    share_alloc(self, site, size);
    struct mtf_share *share = share_take(self, site);
    if (MT_LIKELY(share != NULL))
        add_owned(&share->reallocs, 1);
}

uint64_t share_next_sequence(struct self *self)
{
    if (MT_UNLIKELY(self->sequence_left == 0)) {
        self->sequence = total_take_sequences(SHARE_SEQUENCES);
        self->sequence_left = SHARE_SEQUENCES;
    }
    self->sequence_left--;
    return ++self->sequence;
}
