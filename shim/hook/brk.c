#include "hook/brk.h"
#include "base/real.h"
#include "hook/hook.h"
#include "map/map.h"
#include "map/map_queue.h"
#include "stack/capture.h"

#include <errno.h>
#include <unistd.h>

MT_EXPORT int brk(void *end);
MT_EXPORT void *sbrk(intptr_t change);

static struct {
    int (*brk)(void *);
    void *(*sbrk)(intptr_t);
} brk_real; /* written by brk_start */

void brk_start(void)
{
    real_take(&brk_real.brk, "brk");
    real_take(&brk_real.sbrk, "sbrk");
}

/* libc keeps the break in a variable of its own: the kernel must not be asked behind its back. */
static bool brk_can_call(void)
{
    if (brk_real.brk == NULL || brk_real.sbrk == NULL)
        brk_start();
    return brk_real.brk && brk_real.sbrk;
}

static uintptr_t brk_now(void)
{
    return (uintptr_t)brk_real.sbrk(0);
}

static void brk_record_rise(uintptr_t before, uintptr_t after, const struct host_frame *caller)
{
    struct map_origin origin = {.kind = MTF_MAP_BREAK};
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL)) {
        if ((self = hook_interrupted(caller, &origin.site)) != NULL)
            map_queue_insert(self, before, after - before, 0, &origin);
        return;
    }
    origin.site = capture_site(self, caller, MTF_DOMAIN_MAPPINGS);
    origin.thread = self->thread;
    map_insert(before, after - before, 0, &origin);
    hook_leave(self);
}

/* After the fact: what is above the break is nobody's until it rises again. */
static void brk_record_fall(uintptr_t before, uintptr_t after)
{
    struct map_taken taken;
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL)) {
        if ((self = hook_interrupted(NULL, NULL)) != NULL)
            map_queue_remove(self, after, before - after);
        return;
    }
    map_take(&taken, after, before - after, UINT64_MAX);
    map_gone(&taken);
    hook_leave(self);
}

static void brk_record_failure(const struct host_frame *caller)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return;
    map_failed(capture_site(self, caller, MTF_DOMAIN_MAPPINGS));
    hook_leave(self);
}

static void brk_record(uintptr_t before, uintptr_t after, bool failed,
                       const struct host_frame *caller)
{
    int host_errno = errno;
    if (failed)
        brk_record_failure(caller);
    else if (after > before)
        brk_record_rise(before, after, caller);
    else if (after < before)
        brk_record_fall(before, after);
    errno = host_errno;
}

int brk(void *end)
{
    struct host_frame caller = HOOK_CALLER();
    if (!brk_can_call()) {
        errno = ENOMEM;
        return -1;
    }
    uintptr_t before = brk_now();
    int result = brk_real.brk(end);
    brk_record(before, brk_now(), result != 0, &caller);
    return result;
}

void *sbrk(intptr_t change)
{
    struct host_frame caller = HOOK_CALLER();
    if (!brk_can_call()) {
        errno = ENOMEM;
        return (void *)-1;
    }
    void *before = brk_real.sbrk(change);
    bool failed = before == (void *)-1;
    if (failed || change != 0)
        brk_record((uintptr_t)before, (uintptr_t)before + (uintptr_t)change, failed, &caller);
    return before;
}
