#include "start.h"
#include "base/atomic.h"
#include "base/boot.h"
#include "base/glob.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/option.h"
#include "base/real.h"
#include "base/say.h"
#include "base/sys.h"
#include "hook/ask.h"
#include "hook/brk.h"
#include "hook/confine.h"
#include "hook/cxx.h"
#include "hook/follow.h"
#include "hook/hook.h"
#include "hook/limit.h"
#include "hook/lsan.h"
#include "hook/mmap.h"
#include "hook/process.h"
#include "hook/pthread.h"
#include "hook/shm.h"
#include "hook/spawn.h"
#include "map/layout.h"
#include "map/map.h"
#include "map/map_path.h"
#include "measure/lifetime.h"
#include "measure/sizes.h"
#include "measure/timeline.h"
#include "scan/all_locks.h"
#include "scan/check.h"
#include "scan/pool.h"
#include "scan/result.h"
#include "stack/capture.h"
#include "stack/module.h"
#include "stack/signals.h"
#include "stack/site.h"
#include "start_part.h"
#include "store/file.h"
#include "store/host.h"
#include "store/name.h"
#include "track/event.h"
#include "track/live.h"
#include "track/sample.h"
#include "track/thread.h"
#include "track/total.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>

#define START_NAME_ATTEMPTS 10000u

/* In libc's export list since 1998 (Itanium C++ ABI); a NULL object runs at exit, not at dlclose.
 */
extern int __cxa_atexit(void (*function)(void *), void *argument, void *object);
extern int __cxa_at_quick_exit(void (*function)(void *), void *object);

enum start_mode start_mode;

struct lock start_lock = {.rank = LOCK_START};
static int start_owner;      /* thread that comes up, LOCK_START */
static uint32_t *start_here; /* MADV_WIPEONFORK: 1 in the process that wrote it, 0 in its child */
static int start_lock_pid;   /* process whose locks are known to be sound */
uint64_t start_own_boot_allocs;
bool start_is_ended;
static bool start_should_report; /* the constructor has run: a forked child opens a file too */

/* Of a thread that forks, between prepare and parent or child: several may at the same time. */
struct start_fork {
    bool guarded;      /* it holds all locks */
    struct self *self; /* its state, set aside meanwhile */
    struct signals
        signals; /* as they were: a handler must not meet a thread that holds all locks */
};
static MT_TLS struct start_fork start_fork;

/* ---- coming up ---- */

static bool start_layers(void)
{
    lock_start();
    cxx_start();
    lsan_start();
    real_resolve();
    mmap_start();
    brk_start();
    shm_start();
    pthread_start();
    cxx_judge();
    start_own_boot_allocs = boot_count();
    start_here = sys_map(SYS_PAGE);
    if (start_here == NULL || !file_start() || !site_start())
        return false;
    SYS3(SYS_madvise, start_here, SYS_PAGE, MADV_WIPEONFORK);
    *start_here = 1;
    sizes_start();
    host_identify();
    start_lock_pid = file_header->pid;
    option_parse(NULL);
    module_start();
    capture_start();
    return true;
}

bool start_first(void)
{
    if (load_acquire(&start_mode) == START_OFF) /* START-MODE */
        return false;
    if (load_relaxed(&start_owner) == sys_gettid())
        return false; /* called back while coming up */
    lock_hold(&start_lock);
    if (start_mode == START_COLD) {
        store_relaxed(&start_owner, sys_gettid());
        store_release(&start_mode, START_STARTING);
        bool up = start_layers();
        store_release(&start_mode, up ? START_ON : START_OFF); /* START-MODE */
        store_relaxed(&start_owner, 0);
    }
    lock_release(&start_lock);
    return start_mode == START_ON;
}

bool real_wake(void)
{
    if (load_relaxed(&start_owner) == sys_gettid())
        return false;
    start_first();
    return true; /* also when off: the next allocator is known by now */
}

static void start_say_no_report(int error)
{
    struct say_line line;
    say_begin(&line);
    say_text(&line, "no report: cannot create the report file in ");
    const char *where = option.out[0] ? option.out : host_facts()->folder;
    say_quoted(&line, where, strlen(where));
    say_text(&line, ": ");
    say_error(&line, error);
    say_text(&line, " (MEMTRACK_OPTIONS=out=FOLDER sets another place)");
    say_end(&line);
}

/* A name that no file has; tables stay in private memory if none can be had. */
static void start_open_report(void)
{
    char path[PATH_MAX_BYTES];
    int error = -EEXIST;
    for (unsigned attempt = 0; error == -EEXIST && attempt < START_NAME_ATTEMPTS; attempt++) {
        error = path_make(path, option.out, host_facts(), attempt);
        if (error == 0)
            error = file_create(path);
    }
    if (error)
        start_say_no_report(error);
}

static void start_note_allocator(void)
{
    Dl_info next, libc;
    void *ours = dlsym(RTLD_DEFAULT, "malloc");
    void *next_malloc;
    void *libc_symbol = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&next_malloc, &real.malloc, sizeof next_malloc);
    if (ours && !module_is_shim((uintptr_t)ours))
        file_header->flags |= MTF_FLAG_OWN_MALLOC;
    if (libc_symbol == NULL || !dladdr(next_malloc, &next) || !dladdr(libc_symbol, &libc))
        return;
    if (next.dli_fbase != libc.dli_fbase) {
        file_header->flags |= MTF_FLAG_NEXT_ALLOCATOR;
        file_header->next_allocator = name_add(next.dli_fname, strlen(next.dli_fname));
    }
}

static void start_apply_options(void)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): in the constructor, before the host's own code
    option_parse(getenv("MEMTRACK_OPTIONS"));
    capture_depth = option.depth;
    file_header->run_id = option.run;
    file_header->depth_limit = option.depth;
    file_header->sample_limit = option.samples;
}

/* ---- a fork in this process ---- */

static void start_thaw(void)
{
    all_locks_release();
    lock_release(&start_lock);
}

/* All locks, in order. Not if a handler forks that interrupted this thread inside the shim. */
static void start_fork_prepare(void)
{
    if (start_mode != START_ON || lock_mine.depth != 0 || !start_owns_report())
        return;
    signals_block(&start_fork.signals);
    start_fork.guarded = true;
    start_fork.self = self_active;
    self_active = NULL;
    lock_hold(&start_lock);
    all_locks_hold();
    lock_freeze(start_thaw);
}

static void start_fork_parent(void)
{
    if (!start_fork.guarded)
        return;
    struct self *self = start_fork.self;
    start_fork.guarded = false;
    if (lock_unfreeze())
        start_thaw();
    self_active = self;
    if (self && self->ready == SELF_PENDING) {
        self_active = NULL;
        hook_drain(self);
        self_active = self;
    }
    signals_restore(&start_fork.signals);
}

/* Frees the locks that the parent's threads held. */
static void start_reset_locks(bool whole)
{
    lock_reset(&start_lock);
    all_locks_reset(whole);
    lock_unfreeze();
    store_relaxed(&start_lock_pid, sys_getpid());
}

static void start_fork_child(void)
{
    bool guarded = start_fork.guarded;
    if (start_mode != START_ON)
        return;
    start_fork.guarded = false;
    self_active = NULL;
    /* As the kernel has left them, where it knows MADV_WIPEONFORK. */
    store_relaxed(start_here, 0);
    if (self_mine)
        store_relaxed(&self_mine->ready, SELF_FORKED);
    start_reset_locks(guarded && lock_was_frozen());
    if (guarded)
        signals_restore(&start_fork.signals);
}

/* ---- a forked child's own report ---- */

static void start_inherit(const void *address, const struct live_block *block, void *context)
{
    (void)address;
    (void)context;
    total_inherit(block->site, block->size);
}

static void start_begin_header(void)
{
    struct mtf_header *header = file_header;
    header->flags =
        (header->flags & (MTF_FLAG_OWN_MALLOC | MTF_FLAG_NEXT_ALLOCATOR)) | MTF_FLAG_FORKED;
    header->end_kind = MTF_END_NONE;
    header->end_status = 0;
    header->end_time_ns = 0;
    header->elapsed_ns = 0;
    header->forked_sequence = event_inherited;
    host_identify();
    host_describe();
    say_fork_child();
}

/* Sites of the parent that nothing here belongs to are not the child's. */
static void start_shrink_sites(void)
{
    uint64_t count;
    uint32_t *numbers = site_shrink(&count);
    if (numbers == NULL)
        return;
    live_renumber(numbers, count);
    pool_renumber(numbers);
    map_renumber(numbers);
    sys_unmap(numbers, count * sizeof *numbers);
}

static bool start_child_books(void)
{
    thread_fork_child();
    capture_fork_child();
    module_fork_child();
    if (!file_detach())
        return false;
    event_inherited = total_sequence();
    file_clear(MTF_KIND_BLOCKS);
    layout_forget();
    total_restart();
    thread_restart();
    file_header->totals.lost[MTF_LOST_FORK] = live_given_up();
    live_each(start_inherit, NULL);
    pool_inherit();
    map_inherit();
    start_shrink_sites();
    file_shrink();
    start_begin_header();
    start_is_ended = false;
    result_fork_child();
    check_fork_child();
    if (start_should_report)
        start_open_report();
    return true;
}

bool start_forked(void)
{
    if (load_relaxed(&start_lock_pid) != sys_getpid())
        start_reset_locks(false); /* made by _Fork or clone: nobody announced it */
    lock_hold(&start_lock);
    if (load_relaxed(start_here) == 0 && start_mode == START_ON) {
        if (!start_child_books())
            store_release(&start_mode, START_OFF); /* START-MODE */
        store_relaxed(start_here, 1);
    }
    lock_release(&start_lock);
    return start_mode == START_ON;
}

bool start_is_fork(void)
{
    return load_relaxed(start_here) == 0;
}

bool start_owns_report(void)
{
    return load_acquire(&start_mode) == START_ON && !start_is_fork() && /* START-MODE */
           sys_getpid() == file_header->pid;
}

/* ---- the constructor ---- */

/* Is this one of the programs that are to be tracked? By its name, or its whole path. */
static bool start_is_wanted(void)
{
    return option.only[0] == '\0' || glob_fits_any(option.only, host_facts()->program) ||
           glob_fits_any(option.only, host_executable_path());
}

/* Registered before the program's own handlers, and run after them and after all destructors. */
static void start_register_ends(void)
{
    __cxa_atexit(start_at_exit, NULL, NULL);
    __cxa_at_quick_exit(start_at_quick_exit, NULL);
    pthread_atfork(start_fork_prepare, start_fork_parent, start_fork_child);
}

/* The next definitions of what stands before the host's calls, tracked or not. */
static void start_know_functions(void)
{
    process_start();
    spawn_start();
    follow_start();
    confine_start();
    limit_start();
}

/* The first thread gets its state before the host sets timers: events of handlers that interrupt that have
   nowhere to wait. */
static void start_know_thread(void)
{
    struct self *self = hook_enter();
    if (self)
        hook_leave(self);
}

static void start_tracking(void)
{
    start_register_ends();
    module_rescan();
    check_start();
    ask_start();
    start_note_allocator();
    start_open_report();
    timeline_start();
    if (option.lifetimes)
        lifetime_start();
    total_look_plain();
    start_should_report = true;
    start_know_thread();
}

__attribute__((constructor)) static void start_constructor(void)
{
    int host_errno = errno;
    if (start_first() && getauxval(AT_SECURE)) {
        store_release(&start_mode, START_OFF); /* START-MODE: setuid; write nothing for it */
    } else if (start_mode == START_ON) {
        say_start();
        start_apply_options();
        start_know_functions();
        host_describe();
        if (start_is_wanted())
            start_tracking();
        else
            store_release(&start_mode, START_OFF); /* START-MODE */
    }
    errno = host_errno;
}
