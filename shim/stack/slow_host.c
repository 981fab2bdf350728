#include "stack/slow_host.h"
#include "base/lock.h"
#include "base/own.h"
#include "base/sys.h"
#include "stack/module_image.h"

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define HOST_LOCKS_MAX 16

/* What stands in the memory of a pthread_mutex_t of libunwind. */
struct host_lock {
    struct lock lock;
    bool taken;      /* what lock_enter said; written by the holder */
    bool registered; /* written by the holder */
};
_Static_assert(sizeof(struct host_lock) <= sizeof(pthread_mutex_t), "host_lock");

static struct host_lock *host_locks[HOST_LOCKS_MAX]; /* written by who first takes each */
static uint32_t host_lock_count;
static MT_TLS uintptr_t host_pc; /* of the calling thread's current step */

/* libunwind has fixed names for these: it is built against libc's headers. */
#define HOST(name) slow_host_##name
int *HOST(__errno_location)(void);
int HOST(dl_iterate_phdr)(int (*callback)(struct dl_phdr_info *, size_t, void *), void *data);
void *HOST(mmap)(void *, size_t, int, int, int, long);
int HOST(munmap)(void *, size_t);
int HOST(pthread_mutex_init)(pthread_mutex_t *, const void *);
int HOST(pthread_mutex_lock)(pthread_mutex_t *);
int HOST(pthread_mutex_unlock)(pthread_mutex_t *);
int HOST(pthread_once)(pthread_once_t *, void (*)(void));
int HOST(sigfillset)(sigset_t *);
int HOST(sigprocmask)(int, const sigset_t *, sigset_t *);
int HOST(getpagesize)(void);
long HOST(sysconf)(int);
int HOST(getpid)(void);
void *HOST(malloc)(size_t);
void HOST(free)(void *);
void HOST(abort)(void);
const char *HOST(strerror)(int);

void slow_host_about(uintptr_t pc)
{
    host_pc = pc;
}

/* libunwind looks for the one module that holds the pc and asks for all: it gets that one, reduced
   to what it needs, its extent and its unwind table. */
int HOST(dl_iterate_phdr)(int (*callback)(struct dl_phdr_info *, size_t, void *), void *data)
{
    struct module_image image;
    if (!module_image_find(host_pc, &image) || !module_image_has_table(&image))
        return 0;
    ElfW(Phdr) headers[2] = {
        {.p_type = PT_LOAD,
         .p_vaddr = image.start,
         .p_filesz = image.end - image.start,
         .p_memsz = image.end - image.start},
        {.p_type = PT_GNU_EH_FRAME, .p_vaddr = image.unwind_table},
    };
    struct dl_phdr_info info = {.dlpi_name = "module", .dlpi_phdr = headers, .dlpi_phnum = 2};
    return callback(&info, sizeof(info), data);
}

/* Called by the holder, so that no two threads enter the same lock. */
static void host_lock_register(struct host_lock *lock)
{
    uint32_t at = add_relaxed(&host_lock_count, 1);
    if (at < HOST_LOCKS_MAX)
        store_release(&host_locks[at], lock);
    lock->registered = true;
}

int HOST(pthread_mutex_lock)(pthread_mutex_t *mutex)
{
    struct host_lock *lock = (struct host_lock *)mutex;
    lock->taken = lock_enter(&lock->lock);
    if (MT_UNLIKELY(!lock->registered))
        host_lock_register(lock);
    return 0;
}

int HOST(pthread_mutex_unlock)(pthread_mutex_t *mutex)
{
    struct host_lock *lock = (struct host_lock *)mutex;
    lock_leave(&lock->lock, lock->taken);
    return 0;
}

int HOST(pthread_mutex_init)(pthread_mutex_t *mutex, const void *attributes)
{
    (void)attributes;
    __builtin_memset(mutex, 0, sizeof(*mutex));
    return 0;
}

void slow_host_fork_child(void)
{
    for (uint32_t i = 0; i < HOST_LOCKS_MAX; i++)
        if (host_locks[i])
            lock_reset(&host_locks[i]->lock);
}

/* libunwind reads errno only after calls that are answered here. */
int *HOST(__errno_location)(void)
{
    static MT_TLS int own_errno;
    return &own_errno;
}

void *HOST(mmap)(void *at, size_t size, int protection, int flags, int fd, long offset)
{
    intptr_t result = sys_mmap(at, size, protection, flags, fd, (uint64_t)offset);
    if (!sys_failed(result))
        own_add((void *)result, size);
    return sys_failed(result) ? MAP_FAILED : (void *)result;
}

int HOST(munmap)(void *address, size_t size)
{
    sys_unmap(address, size);
    return 0;
}

/* slow_walk keeps signals away for the whole walk. */
int HOST(sigprocmask)(int how, const sigset_t *set, sigset_t *old)
{
    (void)how, (void)set, (void)old;
    return 0;
}

int HOST(sigfillset)(sigset_t *set)
{
    __builtin_memset(set, 0xff, sizeof(*set));
    return 0;
}

/* slow_start passes here before a second thread can. */
int HOST(pthread_once)(pthread_once_t *once, void (*run)(void))
{
    if (!*once)
        run();
    *once = 1;
    return 0;
}

int HOST(getpagesize)(void)
{
    return (int)sys_page_size();
}

long HOST(sysconf)(int name)
{
    (void)name;
    return (long)sys_page_size();
}

int HOST(getpid)(void)
{
    return sys_getpid();
}

void *HOST(malloc)(size_t size)
{
    (void)size;
    return NULL;
}

void HOST(free)(void *block)
{
    (void)block;
}

/* Reached only by an unwind table without a sorted index; module_image_has_table keeps those out.
 */
void HOST(abort)(void)
{
    for (;;)
        SYS1(SYS_sched_yield, 0);
}

const char *HOST(strerror)(int error)
{
    (void)error;
    return "";
}

/* Files, descriptors and thread-specific data: libunwind can do without and gets none. It asks
   mincore and msync in a loop while errno is EAGAIN; they succeed. */
#define HOST_CONSTANT(name, result)                                                                \
    long slow_host_##name(void);                                                                   \
    long slow_host_##name(void)                                                                    \
    {                                                                                              \
        return result;                                                                             \
    }
HOST_CONSTANT(close, 0)
HOST_CONSTANT(fstat, -1)
HOST_CONSTANT(mincore, 0)
HOST_CONSTANT(msync, 0)
HOST_CONSTANT(open, -1)
HOST_CONSTANT(open64, -1)
HOST_CONSTANT(pipe, -1)
HOST_CONSTANT(pipe2, -1)
HOST_CONSTANT(pthread_key_create, -1)
HOST_CONSTANT(pthread_setspecific, -1)
HOST_CONSTANT(read, -1)
HOST_CONSTANT(stat, -1)
HOST_CONSTANT(syscall, -1)
HOST_CONSTANT(write, -1)
