/*
 * The malloc family. Each hook calls the next allocator first and records afterwards what it gave,
 * so overflow, alignment and size checks are the allocator's own; a free is recorded before the
 * fact, because afterwards the address may already be another thread's.
 */
#include "base/boot.h"
#include "base/real.h"
#include "base/sys.h"
#include "hook/hook.h"
#include "hook/record.h"
#include "stack/capture.h"
#include "track/event.h"
#include "track/moving.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

MT_EXPORT void *malloc(size_t size);
MT_EXPORT void *calloc(size_t count, size_t size);
MT_EXPORT void *realloc(void *block, size_t size);
MT_EXPORT void *reallocarray(void *block, size_t count, size_t size);
MT_EXPORT void free(void *block);
MT_EXPORT void *memalign(size_t alignment, size_t size);
MT_EXPORT void *aligned_alloc(size_t alignment, size_t size);
MT_EXPORT int posix_memalign(void **block, size_t alignment, size_t size);
MT_EXPORT void *valloc(size_t size);
MT_EXPORT void *pvalloc(size_t size);
MT_EXPORT size_t malloc_usable_size(void *block);
MT_EXPORT void free_sized(void *block, size_t size);
MT_EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size);

/* Assumed: the thread is known. Two predicted branches besides the allocator's own work. */
void *malloc(size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    void *block = real.malloc(size);
    hook_record_alloc(hook_enter(), block, size, &caller);
    return block;
}

void *calloc(size_t count, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    void *block = real.calloc(count, size);
    hook_record_alloc(hook_enter(), block, count * size, &caller);
    return block;
}

void *memalign(size_t alignment, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    void *block = real.memalign(alignment, size);
    hook_record_aligned(hook_enter(), block, alignment, size, &caller);
    return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    void *block = real.aligned_alloc(alignment, size);
    hook_record_aligned(hook_enter(), block, alignment, size, &caller);
    return block;
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    int error = real.posix_memalign(block, alignment, size);
    hook_record_aligned(hook_enter(), error ? NULL : *block, alignment, size, &caller);
    return error;
}

void *valloc(size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    void *block = real.valloc(size);
    hook_record_aligned(hook_enter(), block, sys_page_size(), size, &caller);
    return block;
}

void *pvalloc(size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    void *block = real.pvalloc(size);
    hook_record_aligned(hook_enter(), block, sys_page_size(), size, &caller);
    return block;
}

void free(void *block)
{
    if (hook_record_free(block))
        real.free(block);
}

/* C23: free for a block whose size the caller knows. */
void free_sized(void *block, size_t size)
{
    (void)size;
    if (hook_record_free(block))
        real.free(block);
}

void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    (void)alignment;
    (void)size;
    if (hook_record_free(block))
        real.free(block);
}

size_t malloc_usable_size(void *block)
{
    return boot_owns(block) ? boot_size(block) : real.malloc_usable_size(block);
}

/* A block of the boot pool moves to the allocator; only the new one is in the books. */
static MT_COLD void *realloc_from_boot(void *block, size_t size, const struct host_frame *caller)
{
    void *moved = real.malloc(size);
    if (moved) {
        size_t old = boot_size(block);
        memcpy(moved, block, old < size ? old : size);
    }
    hook_record_alloc(hook_enter(), moved, size, caller);
    return moved;
}

/* The four outcomes: moved or resized; freed, which is what size 0 may mean; failed, and the old
   block stands. errno is the allocator's in each. */
static void realloc_record(struct self *self, void *block, const struct live_block *old,
                           void *moved, size_t size, const struct host_frame *caller)
{
    if (MT_LIKELY(moved != NULL)) {
        uint32_t site = capture_site(self, caller, MTF_DOMAIN_HEAP);
        event_realloc_done(self, old, moved, size, site);
        if (MT_UNLIKELY(moved != block && old != NULL))
            event_moved(old, size, site);
        return;
    }
    int host_errno = errno;
    if (size == 0)
        event_realloc_freed(self, old);
    else
        event_realloc_failed(block, old, capture_site(self, caller, MTF_DOMAIN_HEAP));
    errno = host_errno;
}

/* In a handler that interrupted the shim: a free and an allocation, applied later. */
static MT_COLD void *realloc_nested(void *block, size_t size, const struct host_frame *caller)
{
    hook_missed_free(block);
    void *moved = real.realloc(block, size);
    if (moved || size != 0) /* else it was freed; a failure leaves the old block */
        hook_missed_alloc(moved ? moved : block, size, caller);
    return moved;
}

/* The thread is inside the shim only before and after the allocator's work, not during it. */
MT_INLINE void *realloc_known(void *block, size_t size, const struct host_frame *caller)
{
    struct live_block old;
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL))
        return realloc_nested(block, size, caller);
    moving_begin(self);
    bool known = event_realloc_begin(block, &old);
    hook_leave(self);

    void *moved = real.realloc(block, size);

    self = hook_enter();
    if (MT_LIKELY(self != NULL)) {
        realloc_record(self, block, known ? &old : NULL, moved, size, caller);
        moving_end(self);
        hook_leave(self);
    }
    return moved;
}

MT_INLINE void *realloc_any(void *block, size_t size, const struct host_frame *caller)
{
    if (block == NULL) {
        void *made = real.realloc(NULL, size);
        hook_record_alloc(hook_enter(), made, size, caller);
        return made;
    }
    if (MT_UNLIKELY(boot_owns(block)))
        return realloc_from_boot(block, size, caller);
    return realloc_known(block, size, caller);
}

void *realloc(void *block, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    return realloc_any(block, size, &caller);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        hook_record_alloc(hook_enter(), NULL, 0, &caller);
        return NULL;
    }
    return realloc_any(block, bytes, &caller);
}
