#include "track/thread.h"
#include "base/lock.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "stack/capture.h"
#include "store/file.h"
#include "track/total.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define THREAD_SLAB_BYTES (64u << 10)
#define THREAD_LOOK_AT 16 /* states examined for a dead owner per new thread */

static struct lock thread_lock = {.rank = LOCK_SELF};
static struct self *thread_states; /* all below: LOCK_SELF */
static struct self *thread_cursor; /* where the search for dead owners goes on */
static char *thread_slab;
static size_t thread_slab_left;

static struct self *thread_carve_locked(void)
{
    if (thread_slab_left < sizeof(struct self)) {
        char *slab = sys_map(THREAD_SLAB_BYTES);
        if (slab == NULL)
            return NULL;
        /* Where the kernel lacks it (before 4.14), only fork() itself is noticed. */
        SYS3(SYS_madvise, slab, THREAD_SLAB_BYTES, MADV_WIPEONFORK);
        thread_slab = slab;
        thread_slab_left = THREAD_SLAB_BYTES;
    }
    struct self *self = (struct self *)thread_slab;
    thread_slab += sizeof *self;
    thread_slab_left -= sizeof *self;
    self->next = thread_states;
    thread_states = self;
    return self;
}

/* Its thread is gone; or has our own number, which the kernel gave again. */
static bool thread_is_dead(const struct self *self, int pid, int tid)
{
    return self->tid == tid || SYS3(SYS_tgkill, pid, self->tid, 0) == -ESRCH;
}

static struct self *thread_reuse_locked(int pid, int tid)
{
    const struct self *first = thread_cursor ? thread_cursor : thread_states;
    for (int looked = 0; looked < THREAD_LOOK_AT; looked++) {
        if (thread_cursor == NULL)
            thread_cursor = thread_states;
        if (thread_cursor == NULL)
            return NULL;
        struct self *self = thread_cursor;
        thread_cursor = self->next;
        if (thread_is_dead(self, pid, tid))
            return self;
        if (thread_cursor == first)
            return NULL; /* all of a short list */
    }
    return NULL;
}

/* Index of a new THREADS record; 0, the unknown thread, if there is no room. */
static uint32_t thread_record_locked(int tid)
{
    uint64_t index = file_reserve(MTF_KIND_THREADS, file_count(MTF_KIND_THREADS) ? 1 : 2);
    if (index == FILE_FULL)
        return 0;
    if (index == 0)
        index = 1;
    struct mtf_thread *record = (struct mtf_thread *)file_table(MTF_KIND_THREADS) + index;
    record->tid = (uint32_t)tid;
    record->first_sequence = total_sequence();
    record->flags = tid == file_header->pid ? MTF_THREAD_MAIN : 0;
    record->stack_start = (uintptr_t)__builtin_frame_address(0); /* until the end knows its range */
    SYS2(SYS_prctl, PR_GET_NAME, record->name);
    file_publish(MTF_KIND_THREADS, index + 1);
    return (uint32_t)index;
}

static struct self *thread_attach_locked(void)
{
    int pid = file_header->pid;
    if (sys_getpid() != pid)
        return NULL; /* a vfork child on its parent's thread: the number that we see is not the
                        thread's */
    int tid = sys_gettid();
    struct self *self = thread_reuse_locked(pid, tid);
    if (self)
        capture_forget(self);
    else
        self = thread_carve_locked();
    if (self == NULL)
        return NULL;
    self->tid = tid;
    self->handle = (uintptr_t)pthread_self();
    self->thread = thread_record_locked(tid);
    self->record = (struct mtf_thread *)file_table(MTF_KIND_THREADS) + self->thread;
    self->newest_sequence = 0;
    self->sequence_left = 0;
    self->pending_count = 0;
    self->entered_sp = 0;
    store_release(&self->ready, SELF_READY);
    return self;
}

struct self *thread_attach(void)
{
    bool taken = lock_enter(&thread_lock);
    struct self *self = thread_attach_locked();
    lock_leave(&thread_lock, taken);
    self_mine = self;
    if (self == NULL)
        file_lost(MTF_LOST_THREAD);
    return self;
}

static void thread_set_name(struct mtf_thread *record, const char *name)
{
    char text[sizeof record->name] = "";
    memcpy(text, name, strnlen(name, sizeof text - 1));
    memcpy(record->name, text, sizeof text);
}

/* A thread that had no event yet brings its name when it has one. */
void thread_note_name(uintptr_t handle, const char *name)
{
    struct mtf_thread *records = file_table(MTF_KIND_THREADS);
    bool taken = lock_enter(&thread_lock);
    for (struct self *self = thread_states; self; self = self->next) {
        if (self->handle != handle || self->thread == 0 ||
            SYS3(SYS_tgkill, file_header->pid, self->tid, 0) == -ESRCH)
            continue;
        thread_set_name(&records[self->thread], name);
        break;
    }
    lock_leave(&thread_lock, taken);
}

/* A record outlives its thread. Those of living threads are the ones that states point at. */
void thread_note_ends(void)
{
    struct mtf_thread *records = file_table(MTF_KIND_THREADS);
    int pid = file_header->pid;
    bool taken = lock_enter(&thread_lock);
    for (uint64_t i = 1; i < file_count(MTF_KIND_THREADS); i++)
        records[i].flags |= MTF_THREAD_ENDED;
    for (struct self *self = thread_states; self; self = self->next) {
        if (self->thread && SYS3(SYS_tgkill, pid, self->tid, 0) != -ESRCH)
            records[self->thread].flags &= ~MTF_THREAD_ENDED;
    }
    lock_leave(&thread_lock, taken);
    if (self_mine && self_mine->thread) /* it may have named itself by prctl */
        SYS2(SYS_prctl, PR_GET_NAME, records[self_mine->thread].name);
}

bool thread_moves(void)
{
    int pid = sys_getpid(), tid = sys_gettid();
    for (const struct self *self = thread_states; self; self = self->next) {
        if (load_relaxed(&self->moving) > 0 && load_relaxed(&self->ready) != SELF_FORKED &&
            self->tid != tid && !thread_is_dead(self, pid, tid))
            return true;
    }
    return false;
}

void thread_fork_prepare(void)
{
    lock_hold(&thread_lock);
}

void thread_fork_parent(void)
{
    lock_release(&thread_lock);
}

void thread_fork_child(void)
{
    lock_reset(&thread_lock);
    thread_states = NULL;
    thread_cursor = NULL;
    thread_slab_left = 0;
}

void thread_restart(void)
{
    struct mtf_thread *record = file_table(MTF_KIND_THREADS);
    for (uint64_t i = 0; i < file_count(MTF_KIND_THREADS); i++, record++)
        record->allocs = record->alloc_bytes = record->frees = record->freed_bytes = 0;
}
