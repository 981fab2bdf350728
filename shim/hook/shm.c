#include "hook/shm.h"
#include "base/real.h"
#include "base/sys.h"
#include "hook/hook.h"
#include "map/map.h"
#include "map/map_queue.h"
#include "stack/capture.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/shm.h>

MT_EXPORT void *shmat(int id, const void *at, int flags);
MT_EXPORT int shmdt(const void *at);

static struct {
    void *(*shmat)(int, const void *, int);
    int (*shmdt)(const void *);
} shm_real; /* written by shm_start */

void shm_start(void)
{
    real_take(&shm_real.shmat, "shmat");
    real_take(&shm_real.shmdt, "shmdt");
}

static void *shmat_next(int id, const void *at, int flags)
{
    if (shm_real.shmat)
        return shm_real.shmat(id, at, flags);
    long got = SYS3(SYS_shmat, id, at, flags);
    if (!sys_failed(got))
        return (void *)got;
    errno = (int)-got;
    return (void *)-1;
}

static int shmdt_next(const void *at)
{
    if (shm_real.shmdt)
        return shm_real.shmdt(at);
    long result = SYS1(SYS_shmdt, at);
    if (result == 0)
        return 0;
    errno = (int)-result;
    return -1;
}

/* Bytes of a segment, 0 if the kernel does not say. The structure is the kernel's own (shmid64_ds),
   whose size comes second; on 64 bits libc's is the same. */
static size_t shm_size(int id)
{
    struct shmid_ds about = {.shm_segsz = 0};
    long result = SYS3(SYS_shmctl, id, IPC_STAT, &about);
    return result == 0 ? sys_round_to_page(about.shm_segsz) : 0;
}

static struct map_origin shm_origin(int flags)
{
    return (struct map_origin){.kind = MTF_MAP_SYSV,
                               .protection =
                                   flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE,
                               .flags = MAP_SHARED};
}

static void shm_record_attach(void *got, size_t size, int flags, const struct host_frame *caller)
{
    struct map_origin origin = shm_origin(flags);
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL)) {
        if (size && got != (void *)-1 && (self = hook_interrupted(caller, &origin.site)) != NULL)
            map_queue_insert(self, (uintptr_t)got, size, 0, &origin);
        return;
    }
    origin.site = capture_site(self, caller, MTF_DOMAIN_MAPPINGS);
    origin.thread = self->thread;
    if (got == (void *)-1)
        map_failed(origin.site);
    else if (size)
        map_insert((uintptr_t)got, size, 0, &origin);
    hook_leave(self);
}

void *shmat(int id, const void *at, int flags)
{
    struct host_frame caller = HOOK_CALLER();
    void *got = shmat_next(id, at, flags);
    int host_errno = errno;
    shm_record_attach(got, got == (void *)-1 ? 0 : shm_size(id), flags, &caller);
    errno = host_errno;
    return got;
}

static MT_COLD int shmdt_nested(const void *at)
{
    int result = shmdt_next(at);
    struct self *self = result == 0 ? hook_interrupted(NULL, NULL) : NULL;
    if (self)
        map_queue_detach(self, (uintptr_t)at);
    return result;
}

int shmdt(const void *at)
{
    struct map_taken taken;
    struct self *self = hook_enter();
    if (MT_UNLIKELY(self == NULL))
        return shmdt_nested(at);
    map_take_segment(&taken, (uintptr_t)at);
    hook_leave(self);

    int result = shmdt_next(at);

    int host_errno = errno;
    self = hook_enter();
    if (MT_LIKELY(self != NULL)) {
        if (result == 0)
            map_gone(&taken);
        else
            map_put_back(&taken);
        hook_leave(self);
    }
    errno = host_errno;
    return result;
}
