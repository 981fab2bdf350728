#include "track/event.h"
#include "base/atomic.h"
#include "measure/lifetime.h"
#include "memtrack/format.h"
#include "store/file.h"
#include "track/live_table.h"
#include "track/share.h"
#include "track/total.h"

enum {
    EVENT_NONE = 0, /* the handler that reserved this place was itself interrupted */
    EVENT_ALLOC,
    EVENT_FREE,
    EVENT_TRANSIENT, /* an allocation that was freed again while it waited */
};

uint64_t event_inherited; /* written while a forked child starts */

/*
 * True: nothing is rare, and live table and counters are the caller's until event_leave_plain. One lock
 * for both, for taking a lock costs more than anything else in an event: while there is one thread, none
 * is taken.
 */
MT_INLINE bool event_enter_plain(bool *taken)
{
    if (MT_UNLIKELY(!load_relaxed(&total_is_plain)))
        return false;
    *taken = total_enter();
    if (MT_LIKELY(load_relaxed(&total_is_plain)))
        return true;
    lock_leave(&total_lock, *taken);
    return false;
}

MT_INLINE void event_leave_plain(bool taken)
{
    lock_leave(&total_lock, taken);
}

/* With threads in each other's way the counters are the thread's own share of them. */
MT_INLINE uint64_t event_sequence(struct self *self)
{
    return MT_LIKELY(!load_relaxed(&share_is_on)) ? total_next_sequence()
                                                  : share_next_sequence(self);
}

MT_INLINE void event_thread_alloc(struct self *self, size_t size)
{
    struct mtf_thread *record = self->record;
    add_owned(&record->allocs, 1);
    add_owned(&record->alloc_bytes, size);
}

MT_INLINE void event_thread_free(struct self *self, size_t size)
{
    struct mtf_thread *record = self->record;
    add_owned(&record->frees, 1);
    add_owned(&record->freed_bytes, size);
}

MT_INLINE void event_count_alloc(struct self *self, uint32_t site, size_t size)
{
    event_thread_alloc(self, size);
    if (MT_LIKELY(!load_relaxed(&share_is_on)))
        total_alloc(site, size);
    else
        share_alloc(self, site, size);
}

MT_INLINE void event_count_free(struct self *self, uint32_t site, size_t size, bool temporary)
{
    event_thread_free(self, size);
    if (MT_LIKELY(!load_relaxed(&share_is_on)))
        total_free(site, size, temporary);
    else
        share_free(self, site, size, temporary);
}

MT_INLINE void event_count_realloc(struct self *self, const struct live_block *old, bool temporary,
                                   uint32_t site, size_t size)
{
    event_thread_free(self, old->size);
    event_thread_alloc(self, size);
    if (MT_LIKELY(!load_relaxed(&share_is_on)))
        total_realloc(old->site, old->size, temporary, site, size);
    else
        share_realloc(self, old->site, old->size, temporary, site, size);
}

MT_INLINE void event_died(const struct live_block *block)
{
    if (MT_UNLIKELY(lifetime_is_on))
        total_died(block->site, block->sequence);
}

/* The end of a block's life, whatever ended it. */
static void event_end(struct self *self, const struct live_block *block)
{
    if (MT_UNLIKELY(block->sequence <= event_inherited)) {
        total_free_inherited(block->site, block->size);
        return;
    }
    bool temporary = block->sequence == self->newest_sequence;
    if (temporary)
        self->newest_sequence = 0;
    if (MT_UNLIKELY(block->thread != self->thread) && block->thread)
        total_freed_elsewhere(block->site);
    event_died(block);
    event_count_free(self, block->site, block->size, temporary);
}

/* The thread as the live table keeps it: later ones are the unknown one. */
MT_INLINE uint32_t event_thread(const struct self *self)
{
    return self->thread <= LIVE_THREAD_MAX ? self->thread : 0;
}

/* The sequence number, or 0 if it could not be kept. */
static uint64_t event_enter(struct self *self, const void *address, size_t size, uint32_t site)
{
    uint64_t sequence = event_sequence(self);
    struct live_block old;
    struct live_block block = {
        .size = size, .sequence = sequence, .site = site, .thread = event_thread(self)};
    enum live_result result = live_insert(address, &block, &old);
    if (MT_UNLIKELY(result == LIVE_FULL)) {
        file_lost(MTF_LOST_LIVE);
        return 0;
    }
    if (MT_UNLIKELY(result == LIVE_REPLACED))
        event_end(self, &old); /* handed out again: it was freed where we did not see it */
    lifetime_born(sequence, size);
    return sequence;
}

static MT_NOINLINE void event_alloc_any(struct self *self, const void *address, size_t size,
                                        uint32_t site)
{
    uint64_t sequence = event_enter(self, address, size, site);
    if (MT_UNLIKELY(sequence == 0))
        return;
    self->newest_sequence = sequence;
    event_count_alloc(self, site, size);
}

/* Into the live table while nothing is rare; the sequence number, or 0 if event_enter has to look. */
MT_INLINE uint64_t event_enter_locked(struct self *self, struct mtf_totals *totals,
                                      const void *block, size_t size, uint32_t site)
{
    uintptr_t address = (uintptr_t)block;
    uint64_t key = live_key(address), sequence = totals->sequence + 1;
    if (MT_UNLIKELY(size >= LIVE_SIZE_HUGE) ||
        MT_UNLIKELY(!live_try_insert_locked(live_shard(key), key, address, sequence, site,
                                            (uint32_t)size, event_thread(self))))
        return 0;
    store_relaxed(&totals->sequence, sequence);
    self->newest_sequence = sequence;
    return sequence;
}

/* Assumed: nothing rare is on, the area of the address was asked for last. Budget: 180 instructions. */
void event_alloc(struct self *self, const void *block, size_t size, uint32_t site)
{
    bool taken, done = false;
    if (MT_LIKELY(event_enter_plain(&taken))) {
        struct mtf_totals *totals = total_totals();
        done = event_enter_locked(self, totals, block, size, site) != 0;
        if (MT_LIKELY(done))
            total_alloc_locked(totals, site, size);
        event_leave_plain(taken);
    }
    if (MT_LIKELY(done))
        event_thread_alloc(self, size);
    else
        event_alloc_any(self, block, size, site);
}

void event_failed(uint32_t site)
{
    total_failed(site);
}

static MT_NOINLINE void event_free_any(struct self *self, const void *address)
{
    struct live_block block;
    if (MT_LIKELY(live_remove(address, UINT64_MAX, &block)))
        event_end(self, &block);
    else
        total_foreign_free();
}

/* The block's own size; SIZE_MAX if event_free_any has to look. */
MT_INLINE size_t event_free_locked(struct self *self, const void *block)
{
    uintptr_t address = (uintptr_t)block;
    uint64_t key = live_key(address);
    struct live_shard *shard = live_shard(key);
    struct live_place place;
    if (MT_UNLIKELY(!live_look_locked(shard, key, address, &place)))
        return SIZE_MAX;
    uint64_t sequence = region_sequence(place.entry);
    uint32_t size = region_size(place.entry), site = region_site(place.entry);
    if (MT_UNLIKELY(sequence <= event_inherited ||
                    region_thread(place.entry) != event_thread(self)))
        return SIZE_MAX;
    live_take_locked(shard, &place);
    bool temporary = sequence == self->newest_sequence;
    if (temporary)
        self->newest_sequence = 0;
    total_free_locked(total_totals(), site, size, temporary);
    return size;
}

/* Assumed: as in event_alloc, and the block is of this process and this thread, and not the last one of
   its area. Budget: 160 instructions. */
void event_free(struct self *self, const void *block)
{
    size_t size = SIZE_MAX;
    bool taken;
    if (MT_LIKELY(event_enter_plain(&taken))) {
        size = event_free_locked(self, block);
        event_leave_plain(taken);
    }
    if (MT_LIKELY(size != SIZE_MAX))
        event_thread_free(self, size);
    else
        event_free_any(self, block);
}

bool event_realloc_begin(const void *block, struct live_block *old)
{
    uintptr_t address = (uintptr_t)block;
    uint64_t key = live_key(address);
    bool taken, found = false;
    if (MT_LIKELY(event_enter_plain(&taken))) {
        found = live_try_remove_locked(live_shard(key), key, address, old);
        event_leave_plain(taken);
    }
    return MT_LIKELY(found) || live_remove(block, UINT64_MAX, old);
}

/* The usual realloc; false if it is not one. */
MT_INLINE bool event_realloc_plain(struct self *self, const struct live_block *old,
                                   const void *moved, size_t size, uint32_t site)
{
    bool taken, done = false, temporary = old->sequence == self->newest_sequence;
    if (MT_UNLIKELY(old->sequence <= event_inherited || !event_enter_plain(&taken)))
        return false;
    done = event_enter_locked(self, total_totals(), moved, size, site) != 0;
    if (MT_LIKELY(done))
        total_realloc_locked(site_record(old->site), old->size, temporary, site_record(site), size);
    event_leave_plain(taken);
    return done;
}

static void event_realloc_any(struct self *self, const struct live_block *old, const void *moved,
                              size_t size, uint32_t site)
{
    uint64_t sequence = event_enter(self, moved, size, site);
    if (MT_UNLIKELY(sequence == 0)) {
        if (old)
            event_end(self, old);
        return;
    }
    if (MT_UNLIKELY(old == NULL)) {
        total_foreign_free();
        event_count_alloc(self, site, size);
    } else if (MT_UNLIKELY(old->sequence <= event_inherited)) {
        event_thread_alloc(self, size);
        total_realloc_inherited(old->site, old->size, site, size);
    } else {
        bool temporary = old->sequence == self->newest_sequence;
        event_died(old);
        event_count_realloc(self, old, temporary, site, size);
    }
    self->newest_sequence = sequence;
}

void event_realloc_done(struct self *self, const struct live_block *old, const void *moved,
                        size_t size, uint32_t site)
{
    if (MT_UNLIKELY(old == NULL || !event_realloc_plain(self, old, moved, size, site))) {
        event_realloc_any(self, old, moved, size, site);
        return;
    }
    event_thread_free(self, old->size);
    event_thread_alloc(self, size);
}

void event_moved(const struct live_block *old, size_t size, uint32_t site)
{
    total_moved(site, old->size < size ? old->size : size);
}

void event_aligned(uint32_t site, size_t alignment)
{
    total_aligned(site, alignment);
}

void event_realloc_freed(struct self *self, const struct live_block *old)
{
    if (old)
        event_end(self, old);
    else
        total_foreign_free();
}

void event_realloc_failed(const void *address, const struct live_block *old, uint32_t site)
{
    struct live_block replaced;
    total_failed(site);
    if (old && live_insert(address, old, &replaced) == LIVE_FULL)
        file_lost(MTF_LOST_LIVE);
}

uint64_t event_mark(struct self *self)
{
    self->sequence_left = 0; /* of those that it took at a time: track/share.h */
    return total_sequence();
}

/* A place in the queue; NULL if it is full. One instruction, for handlers interrupt handlers. */
static struct pending_event *event_queue_place(struct self *self)
{
    uint32_t place = add_relaxed(&self->pending_count, 1);
    if (place >= SELF_PENDING_MAX) {
        file_lost(MTF_LOST_NESTED);
        return NULL;
    }
    store_relaxed(&self->ready, SELF_PENDING);
    return &self->pending[place];
}

void event_queue_alloc(struct self *self, const void *address, size_t size, uint32_t site)
{
    struct pending_event *event = event_queue_place(self);
    if (event == NULL)
        return;
    event->address = address;
    event->size = size;
    event->site = site;
    store_release(&event->kind, EVENT_ALLOC);
}

/* An allocation of this address that still waits; its number is given only when it is applied. */
static struct pending_event *event_waiting_alloc(struct self *self, const void *address)
{
    uint32_t count = load_relaxed(&self->pending_count);
    for (uint32_t i = count < SELF_PENDING_MAX ? count : SELF_PENDING_MAX; i-- > 0;) {
        struct pending_event *event = &self->pending[i];
        if (event->kind == EVENT_ALLOC && event->address == address)
            return event;
    }
    return NULL;
}

void event_queue_free(struct self *self, const void *address)
{
    struct pending_event *alloc = event_waiting_alloc(self, address);
    if (alloc) {
        store_relaxed(&alloc->kind, EVENT_TRANSIENT);
        return;
    }
    struct pending_event *event = event_queue_place(self);
    if (event == NULL)
        return;
    event->address = address;
    event->newest = total_sequence();
    store_release(&event->kind, EVENT_FREE);
}

/* Between the real free and now the address may have been given out again: not to be removed. */
static void event_apply_free(struct self *self, const struct pending_event *event)
{
    struct live_block block;
    if (live_remove(event->address, event->newest, &block))
        event_end(self, &block);
    else
        total_foreign_free();
}

/* The address may be another thread's by now: only the counters learn of it. */
static void event_apply_transient(struct self *self, const struct pending_event *event)
{
    self->newest_sequence = 0;
    event_sequence(self);
    event_count_alloc(self, event->site, event->size);
    event_count_free(self, event->site, event->size, true);
}

static void event_apply(struct self *self, struct pending_event *waiting)
{
    struct pending_event event = *waiting;
    waiting->kind = EVENT_NONE; /* a handler that comes now must not find it */
    if (event.kind == EVENT_ALLOC)
        event_alloc(self, event.address, event.size, event.site);
    else if (event.kind == EVENT_FREE)
        event_apply_free(self, &event);
    else if (event.kind == EVENT_TRANSIENT)
        event_apply_transient(self, &event);
}

/* A handler may add to the queue at any point: the count goes to zero only if it is what was
 * applied.
 */
void event_drain(struct self *self)
{
    uint32_t applied = 0;
    uint32_t count;
    do {
        count = load_relaxed(&self->pending_count);
        for (; applied < count && applied < SELF_PENDING_MAX; applied++)
            event_apply(self, &self->pending[applied]);
        store_relaxed(&self->ready, SELF_READY);
    } while (!swap_acquire(&self->pending_count, &count, 0));
}
