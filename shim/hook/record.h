/*
 * What every hook that allocates or frees does with the books, inlined into each.
 */
#ifndef MEMTRACK_HOOK_RECORD_H
#define MEMTRACK_HOOK_RECORD_H

#include "base/boot.h"
#include "hook/hook.h"
#include "stack/capture.h"
#include "track/event.h"

/* Records what the allocator gave; self is what hook_enter gave. */
MT_INLINE void hook_record_alloc(struct self *self, void *block, size_t size,
                                 const struct host_frame *caller)
{
    if (MT_UNLIKELY(self == NULL)) {
        hook_missed_alloc(block, size, caller);
        return;
    }
    if (MT_LIKELY(block != NULL))
        event_alloc(self, block, size, capture_site(self, caller, MTF_DOMAIN_HEAP));
    else
        hook_record_failed(self, caller);
    hook_leave(self);
}

/* The same for a request with an alignment. */
MT_INLINE void hook_record_aligned(struct self *self, void *block, size_t alignment, size_t size,
                                   const struct host_frame *caller)
{
    if (MT_UNLIKELY(self == NULL || block == NULL)) {
        hook_record_alloc(self, block, size, caller);
        return;
    }
    uint32_t site = capture_site(self, caller, MTF_DOMAIN_HEAP);
    event_alloc(self, block, size, site);
    event_aligned(site, alignment);
    hook_leave(self);
}

/* Records that `block` is about to be freed. False: the allocator must not see it, for it is the
   boot pool's, which is not in the books. */
MT_INLINE bool hook_record_free(void *block)
{
    if (MT_UNLIKELY(boot_owns(block)))
        return false;
    if (MT_UNLIKELY(block == NULL))
        return true;
    /* The allocator's header lies before the block, and is often as cold as our own entry: let both
       come at the same time. */
    __builtin_prefetch((const char *)block - sizeof(size_t), 1);
    struct self *self = hook_enter();
    if (MT_LIKELY(self != NULL)) {
        event_free(self, block);
        hook_leave(self);
    } else {
        hook_missed_free(block);
    }
    return true;
}

#endif
