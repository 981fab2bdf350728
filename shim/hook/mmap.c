/*
 * mmap, munmap and mremap. A range leaves the table before the call that unmaps it, for another thread
 * may get it at once, and comes back if the call fails; what a call maps enters afterwards. No lock is
 * held meanwhile: such a call may wait for another thread (userfaultfd, FUSE).
 */
#include "hook/mmap.h"
#include "base/real.h"
#include "base/sys.h"
#include "hook/hook.h"
#include "map/map.h"
#include "map/map_path.h"
#include "map/map_queue.h"
#include "stack/capture.h"
#include "track/moving.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MMAP_HUGE_SHIFT 26 /* MAP_HUGE_SHIFT, of linux/mman.h */
#define MMAP_HUGE_DEFAULT (2ul << 20)

MT_EXPORT void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
MT_EXPORT void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset);
MT_EXPORT int munmap(void *start, size_t length);
MT_EXPORT void *mremap(void *old, size_t old_length, size_t length, int flags, ...);

static struct {
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    void *(*mremap)(void *, size_t, size_t, int, ...);
} mmap_real; /* written by mmap_start */

void mmap_start(void)
{
    real_take(&mmap_real.mmap, "mmap");
    real_take(&mmap_real.munmap, "munmap");
    real_take(&mmap_real.mremap, "mremap");
}

/* What the kernel gave, as libc gives it. */
static long mmap_result(long result)
{
    if (!sys_failed(result))
        return result;
    errno = (int)-result;
    return -1;
}

static void *mmap_next(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (mmap_real.mmap)
        return mmap_real.mmap(at, length, protection, flags, fd, offset);
    return (void *)mmap_result(sys_mmap(at, length, protection, flags, fd, (uint64_t)offset));
}

static int munmap_next(void *start, size_t length)
{
    if (mmap_real.munmap)
        return mmap_real.munmap(start, length);
    return (int)mmap_result(SYS2(SYS_munmap, start, length));
}

static void *mremap_next(void *old, size_t old_length, size_t length, int flags, void *target)
{
    if (mmap_real.mremap)
        return mmap_real.mremap(old, old_length, length, flags, target);
    return (void *)mmap_result(
        sys_call(SYS_mremap, (long)old, (long)old_length, (long)length, flags, (long)target, 0));
}

/* ---- mmap ---- */

static enum mtf_map_kind mmap_kind(int flags)
{
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    if (flags & MAP_HUGETLB)
        return MTF_MAP_HUGE;
    if (flags & MAP_STACK)
        return MTF_MAP_STACK;
    if (flags & MAP_ANONYMOUS)
        return shared ? MTF_MAP_ANONYMOUS_SHARED : MTF_MAP_ANONYMOUS;
    return shared ? MTF_MAP_FILE_SHARED : MTF_MAP_FILE_PRIVATE;
}

/* What the kernel makes of a length: whole pages, of the mapping's own size. */
static size_t mmap_length(size_t length, int flags)
{
    size_t page = sys_page_size();
    if (flags & MAP_HUGETLB) {
        unsigned shift = (unsigned)flags >> MMAP_HUGE_SHIFT & 63;
        page = shift ? 1ul << shift : MMAP_HUGE_DEFAULT;
    }
    return (length + page - 1) & ~(page - 1);
}

static struct map_origin mmap_origin(int protection, int flags)
{
    return (struct map_origin){
        .kind = mmap_kind(flags), .protection = (uint32_t)protection, .flags = (uint32_t)flags};
}

/* MAP_FIXED may have unmapped the range before the call failed. */
static void mmap_record_failure(struct self *self, const void *at, size_t length, int flags,
                                const struct host_frame *caller)
{
    map_failed(capture_site(self, caller, MTF_DOMAIN_MAPPINGS));
    if ((flags & MAP_FIXED) && (flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE)
        map_recheck((uintptr_t)at, mmap_length(length, flags));
}

static void *mmap_any(void *at, size_t length, int protection, int flags, int fd, off_t offset,
                      const struct host_frame *caller)
{
    void *got = mmap_next(at, length, protection, flags, fd, offset);
    int host_errno = errno;
    struct map_origin origin = mmap_origin(protection, flags);
    uint64_t from = flags & MAP_ANONYMOUS ? 0 : (uint64_t)offset;
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL)) {
        if (got != MAP_FAILED && (self = hook_interrupted(caller, &origin.site)) != NULL)
            map_queue_insert(self, (uintptr_t)got, mmap_length(length, flags), from, &origin);
    } else if (got == MAP_FAILED) {
        mmap_record_failure(self, at, length, flags, caller);
        hook_leave(self);
    } else {
        origin.site = capture_site(self, caller, MTF_DOMAIN_MAPPINGS);
        origin.thread = self->thread;
        origin.path = flags & MAP_ANONYMOUS ? 0 : map_path_of(fd);
        map_insert((uintptr_t)got, mmap_length(length, flags), from, &origin);
        hook_leave(self);
    }
    errno = host_errno;
    return got;
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    struct host_frame caller = HOOK_CALLER();
    return mmap_any(at, length, protection, flags, fd, offset, &caller);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset)
{
    struct host_frame caller = HOOK_CALLER();
    return mmap_any(at, length, protection, flags, fd, offset, &caller);
}

/* ---- munmap ---- */

/* In a handler that interrupted the shim. */
static MT_COLD int munmap_nested(void *start, size_t length)
{
    int result = munmap_next(start, length);
    struct self *self = result == 0 ? hook_interrupted(NULL, NULL) : NULL;
    if (self)
        map_queue_remove(self, (uintptr_t)start, sys_round_to_page(length));
    return result;
}

/* Ends what map_take began. The thread is outside of the shim only during the call itself. */
static void munmap_settle(struct map_taken *taken, bool gone)
{
    int host_errno = errno;
    struct self *self = hook_enter();
    if (self == NULL)
        return;
    if (gone)
        map_gone(taken);
    else
        map_put_back(taken);
    hook_leave(self);
    errno = host_errno;
}

int munmap(void *start, size_t length)
{
    struct map_taken taken;
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL))
        return munmap_nested(start, length);
    map_take(&taken, (uintptr_t)start, sys_round_to_page(length), UINT64_MAX);
    hook_leave(self);

    int result = munmap_next(start, length);

    munmap_settle(&taken, result == 0);
    return result;
}

/* ---- mremap ---- */

/* The caller has used up the arguments by their types: the fifth is there with these flags alone. */
struct mremap_call {
    void *old;
    size_t old_length;
    size_t length;
    int flags;
    void *target;
};

static bool mremap_stays(const struct mremap_call *call)
{
    return (call->flags & MREMAP_DONTUNMAP) != 0;
}

static void *mremap_call(const struct mremap_call *call)
{
    return mremap_next(call->old, call->old_length, call->length, call->flags, call->target);
}

static MT_COLD void *mremap_nested(const struct mremap_call *call, const struct host_frame *caller)
{
    uint32_t site;
    void *got = mremap_call(call);
    int host_errno = errno;
    struct self *self = got != MAP_FAILED ? hook_interrupted(caller, &site) : NULL;
    if (self)
        map_queue_move(self, (uintptr_t)call->old, sys_round_to_page(call->old_length),
                       (uintptr_t)got, sys_round_to_page(call->length), site, mremap_stays(call));
    errno = host_errno;
    return got;
}

/* A call that fails may have unmapped the target, and what it cut off the old range. */
static void mremap_record_failure(const struct mremap_call *call, struct map_taken *taken)
{
    size_t length = sys_round_to_page(call->length);
    map_put_back(taken);
    if (call->flags & MREMAP_FIXED)
        map_recheck((uintptr_t)call->target, length);
    if (call->old_length > length)
        map_recheck((uintptr_t)call->old + length, sys_round_to_page(call->old_length) - length);
}

static void mremap_record(struct self *self, const struct mremap_call *call, void *got,
                          struct map_taken *taken, const struct map_piece *like,
                          const struct host_frame *caller)
{
    struct map_origin by = {.site = capture_site(self, caller, MTF_DOMAIN_MAPPINGS),
                            .thread = self->thread};
    if (got == MAP_FAILED) {
        map_failed(by.site);
        mremap_record_failure(call, taken);
        return;
    }
    map_moved(taken, (uintptr_t)got, sys_round_to_page(call->length), like, &by,
              mremap_stays(call));
}

static void *mremap_any(const struct mremap_call *call, const struct host_frame *caller)
{
    struct map_taken taken;
    struct map_piece like;
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL))
        return mremap_nested(call, caller);
    moving_begin(self);
    bool known = map_find((uintptr_t)call->old, &like);
    map_take(&taken, (uintptr_t)call->old, sys_round_to_page(call->old_length), UINT64_MAX);
    hook_leave(self);
    if (known && (uintptr_t)call->old > like.start)
        like.offset = map_piece_offset(&like, (uintptr_t)call->old);

    void *got = mremap_call(call);

    int host_errno = errno;
    self = hook_enter();
    if (MT_LIKELY(self != NULL)) {
        mremap_record(self, call, got, &taken, known ? &like : NULL, caller);
        moving_end(self);
        hook_leave(self);
    }
    errno = host_errno;
    return got;
}

void *mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    struct host_frame caller = HOOK_CALLER();
    struct mremap_call call = {old, old_length, length, flags, NULL};
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        va_list more;
        va_start(more, flags);
        call.target = va_arg(more, void *);
        va_end(more);
    }
    return mremap_any(&call, &caller);
}
