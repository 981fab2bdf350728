#include "start.h"
#include "base/atomic.h"
#include "base/boot.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/option.h"
#include "base/real.h"
#include "base/say.h"
#include "base/sys.h"
#include "bits.h" /* of the architecture */
#include "hook/brk.h"
#include "hook/cxx.h"
#include "hook/follow.h"
#include "hook/hook.h"
#include "hook/limit.h"
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
#include "scan/scope.h"
#include "stack/capture.h"
#include "stack/module.h"
#include "stack/site.h"
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

static struct lock start_lock = {.rank = LOCK_START}; /* LOCK_START */
static int start_owner;                               /* thread that comes up, LOCK_START */
static uint32_t *start_here; /* MADV_WIPEONFORK: 1 in the process that wrote it, 0 in its child */
static int start_lock_pid;   /* process whose locks are known to be sound */
static uint64_t start_own_boot_allocs; /* made by our own lookups, before a second thread */
static bool start_is_ended;            /* LOCK_START */
static bool start_should_report; /* the constructor has run: a forked child opens a file too */
static bool start_fork_guarded; /* written by the forking thread between prepare and parent/child */
static struct self *start_forker; /* likewise: its state, set aside meanwhile */

/* ---- coming up ---- */

static bool start_layers(void)
{
    lock_start();
    arch_bits_start();
    cxx_start();
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
    start_fork_guarded = start_mode == START_ON && lock_mine.depth == 0 && start_owns_report();
    if (!start_fork_guarded)
        return;
    start_forker = self_active;
    self_active = NULL;
    lock_hold(&start_lock);
    all_locks_hold();
    lock_freeze(start_thaw);
}

static void start_fork_parent(void)
{
    if (!start_fork_guarded)
        return;
    struct self *self = start_forker;
    if (lock_unfreeze())
        start_thaw();
    self_active = self;
    if (self && self->ready == SELF_PENDING) {
        self_active = NULL;
        hook_drain(self);
        self_active = self;
    }
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
    if (start_mode != START_ON)
        return;
    self_active = NULL;
    /* As the kernel has left them, where it knows MADV_WIPEONFORK. */
    store_relaxed(start_here, 0);
    if (self_mine)
        store_relaxed(&self_mine->ready, SELF_FORKED);
    start_reset_locks(start_fork_guarded && lock_was_frozen());
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

/* ---- going down ---- */

static void start_say_nothing_tracked(struct say_line *line)
{
    say_text(line, "nothing was tracked");
    if (file_header->flags & MTF_FLAG_OWN_MALLOC)
        say_text(line, ": the program brings its own malloc");
}

static void start_say_still_allocated(struct say_line *line)
{
    uint64_t bytes, blocks;
    total_current(&bytes, &blocks);
    if (blocks == 0) {
        say_text(line, "nothing is still allocated");
        return;
    }
    say_count(line, bytes, "byte");
    say_text(line, " in ");
    say_count(line, blocks, "block");
    say_text(line, " still allocated");
}

static void start_say_summary(void)
{
    struct say_line line;
    say_begin(&line);
    if (total_sequence() == event_inherited && (file_header->flags & MTF_FLAG_OWN_MALLOC))
        start_say_nothing_tracked(&line);
    else
        start_say_still_allocated(&line);
    result_say(&line);
    if (file_exists()) {
        say_text(&line, "; read it with: memtrack report ");
        say_quoted(&line, file_path(), strlen(file_path()));
    } else {
        say_text(&line, "; there is no report file");
    }
    say_end(&line);
}

static void start_note_end(enum mtf_end kind, bool known, int status)
{
    struct mtf_header *header = file_header;
    header->end_kind = kind;
    header->end_status = status;
    if (known)
        header->flags |= MTF_FLAG_STATUS;
    header->end_time_ns = (int64_t)sys_clock_ns(CLOCK_REALTIME);
    header->elapsed_ns = host_elapsed_ns();
    store_release(&header->state, MTF_STATE_ENDED);
}

static void start_write_end(enum mtf_end kind, bool known, int status)
{
    layout_write();
    file_header->totals.boot_allocs = boot_count() - start_own_boot_allocs;
    start_note_end(kind, known, status);
}

/* Runs `work` with this thread inside the shim, so that handlers' events wait. */
static void start_inside(void (*work)(enum mtf_end, bool, int), enum mtf_end kind, bool known,
                         int status)
{
    int host_errno = errno;
    struct self *self = self_active;
    if (self == NULL && hook_is_nested()) {
        /* What this thread was changing stays half done, and its locks stay held: nothing is touched. */
        file_header->flags |= MTF_FLAG_UNSEALED;
        start_note_end(kind, known, status);
        return;
    }
    self_active = NULL;
    if (self && self->ready == SELF_PENDING)
        hook_drain(self);
    lock_hold(&start_lock);
    work(kind, known, status);
    lock_release(&start_lock);
    self_active = self;
    errno = host_errno;
}

static void start_end_locked(enum mtf_end kind, bool known, int status)
{
    if (start_is_ended)
        return;
    start_is_ended = true;
    total_seal();
    map_seal();
    if (!result_at_end((uintptr_t)__builtin_frame_address(0)))
        sample_live_blocks(option.samples);
    start_write_end(kind, known, status);
    if (option.summary)
        start_say_summary();
}

static void start_leave_locked(enum mtf_end kind, bool known, int status)
{
    if (start_is_ended)
        return;
    sample_live_blocks(option.samples);
    start_write_end(kind, known, status);
}

static void start_return_locked(enum mtf_end kind, bool known, int status)
{
    (void)known;
    (void)status;
    if (start_is_ended)
        return;
    store_release(&file_header->state, MTF_STATE_RUNNING);
    file_header->flags &= ~MTF_FLAG_UNSEALED;
    file_header->end_kind = kind;
    file_header->end_time_ns = 0;
    file_header->elapsed_ns = 0;
    file_clear(MTF_KIND_BLOCKS);
    layout_forget();
}

int start_end(enum mtf_end kind, bool known, int status)
{
    if (!start_owns_report())
        return 0;
    start_inside(start_end_locked, kind, known, status);
    return result_exit_code();
}

static mtf_name_ref start_label(const char *label)
{
    return label ? name_add(label, strlen(label)) : 0;
}

bool start_check(enum mtf_check_trigger trigger, const char *label, struct mtf_check *result)
{
    if (!start_owns_report() || option.leak_check == OPTION_LEAK_NO)
        return false;
    struct check_request request = {.trigger = trigger, .label = start_label(label)};
    lock_hold(&start_lock);
    bool open = !start_is_ended;
    if (open)
        check_now(&request, (uintptr_t)__builtin_frame_address(0), result);
    lock_release(&start_lock);
    return open && result->failure == MTF_CHECK_COMPLETE;
}

uint64_t start_scope_end(const char *label, uint64_t begin, uint32_t thread)
{
    if (!start_owns_report())
        return 0;
    mtf_name_ref reference = start_label(label);
    lock_hold(&start_lock);
    uint64_t blocks = start_is_ended ? 0 : scope_end(reference, begin, thread);
    lock_release(&start_lock);
    return blocks;
}

void start_leave(enum mtf_end kind)
{
    if (start_owns_report())
        start_inside(start_leave_locked, kind, false, 0);
}

void start_return(void)
{
    if (start_owns_report())
        start_inside(start_return_locked, MTF_END_NONE, false, 0);
}

/* exit, called once more by one of its own handlers, goes on with the handlers that are left, and then
   closes stdio: so glibc has it since 1996. */
static void start_at_exit(void *unused)
{
    (void)unused;
    int code = start_end(MTF_END_EXIT, false, 0);
    if (code)
        process_exit_again(code);
}

static void start_at_quick_exit(void *unused)
{
    (void)unused;
    int code = start_end(MTF_END_QUICK_EXIT, false, 0);
    if (code)
        process_exit_now(code);
}

/* ---- the constructor ---- */

/* Registered before the program's own handlers, and run after them and after all destructors. */
static void start_register_ends(void)
{
    __cxa_atexit(start_at_exit, NULL, NULL);
    __cxa_at_quick_exit(start_at_quick_exit, NULL);
    pthread_atfork(start_fork_prepare, start_fork_parent, start_fork_child);
    process_start();
    spawn_start();
    follow_start();
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

__attribute__((constructor)) static void start_constructor(void)
{
    int host_errno = errno;
    if (start_first() && getauxval(AT_SECURE)) {
        store_release(&start_mode, START_OFF); /* START-MODE: setuid; write nothing for it */
    } else if (start_mode == START_ON) {
        say_start();
        start_apply_options();
        start_register_ends();
        module_rescan();
        check_start();
        start_note_allocator();
        host_describe();
        start_open_report();
        timeline_start();
        if (option.lifetimes)
            lifetime_start();
        start_should_report = true;
        start_know_thread();
    }
    errno = host_errno;
}
