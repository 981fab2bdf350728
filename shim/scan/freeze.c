#include "scan/freeze.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "context.h" /* of the architecture */
#include "memtrack/format.h"
#include "scan/signal_raw.h"
#include "scan/task.h"
#include "thread.h" /* of the architecture */

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <time.h>

#define FREEZE_SIGNAL MTF_ASK_SIGNAL /* SIGSETXID */
#define FREEZE_ROOM 64u
#define FREEZE_LOOK_NS 2000000ull  /* between two looks at who has not answered */
#define FREEZE_LATE_NS 50000000ull /* then the kernel is asked what holds a thread up */

enum {
    FREEZE_ASKED,
    FREEZE_PARKED,
    FREEZE_HELD_UP, /* in the kernel: what it is doing there is known from /proc */
    FREEZE_GONE,
};

struct freeze_slot {
    struct stopped_thread thread;
    uint32_t state; /* tag FREEZE-STATE: `thread` is complete before it */
    uint32_t round;
    struct task_call call; /* that it was in when it was asked; number -1 if none */
};

static uint32_t freeze_round; /* odd while threads are to stand still; the freezing thread */
static uint32_t
    freeze_answers; /* threads that have parked, any thread: what the freezer waits on */
static struct signal_raw freeze_before; /* glibc's action; written before ours is there */
static freeze_other freeze_pass;        /* written by freeze_start */

/* Calls that only wait, and may wait again. */
static bool freeze_may_restart(long call)
{
    static const long calls[] = {
        SYS_ppoll,   SYS_pselect6,      SYS_epoll_pwait, SYS_nanosleep, SYS_clock_nanosleep,
        SYS_futex,   SYS_rt_sigsuspend, SYS_semtimedop,  SYS_msgrcv,    SYS_rt_sigtimedwait,
        SYS_msgsnd,  SYS_io_getevents,  SYS_read,        SYS_write,     SYS_recvfrom,
        SYS_recvmsg, SYS_sendto,        SYS_sendmsg,     SYS_accept,    SYS_accept4,
#ifdef SYS_poll
        SYS_poll,    SYS_select,        SYS_epoll_wait,  SYS_pause,
#endif
    };
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i] == call)
            return true;
    }
    return false;
}

void freeze_describe(struct stopped_thread *thread, const void *context)
{
    thread->sp = arch_context_sp(context);
    thread->pointer = arch_thread_pointer();
    thread->register_count = ARCH_CONTEXT_REGISTERS;
    for (int i = 0; i < (int)ARCH_CONTEXT_REGISTERS; i++)
        thread->registers[i] = arch_context_register(context, (unsigned)i);
}

bool freeze_resume(void *context)
{
    long number =
        arch_context_result(context) == -EINTR ? arch_context_call(context, sys_readable) : -1;
    if (number < 0 || !freeze_may_restart(number))
        return false;
    arch_context_restart(context, number);
    return true;
}

/* Do not touch this round's slot any more once it is over: it may be unmapped. */
static void freeze_park(struct freeze_slot *slot, void *context)
{
    uint32_t round = slot->round;
    freeze_describe(&slot->thread, context);
    if (!freeze_resume(context) && arch_context_result(context) == -EINTR &&
        freeze_may_restart(slot->call.number) &&
        arch_context_in_call(context, slot->call.arguments, slot->call.sp, slot->call.pc))
        arch_context_restart(context, slot->call.number);
    store_release(&slot->state, FREEZE_PARKED); /* FREEZE-STATE */
    add_relaxed(&freeze_answers, 1);
    SYS3(SYS_futex, &freeze_answers, FUTEX_WAKE_PRIVATE, 1);
    while (load_acquire(&freeze_round) == round) /* FREEZE-ROUND */
        SYS4(SYS_futex, &freeze_round, FUTEX_WAIT_PRIVATE, round, 0);
}

/* A signal of this number that is not ours is glibc's own, or another process's. */
static void freeze_handle(int number, siginfo_t *info, void *context)
{
    if (info->si_code != SI_QUEUE || info->si_pid != sys_getpid()) {
        if (freeze_pass == NULL || !freeze_pass(info, context))
            signal_raw_pass(&freeze_before, number, info, context);
        return;
    }
    struct freeze_slot *slot = info->si_value.sival_ptr;
    uint32_t round = load_acquire(&freeze_round); /* FREEZE-ROUND */
    if ((round & 1) && signal_raw_round(info) == round)
        freeze_park(slot, context);
    else
        freeze_resume(context); /* the signal came late: the round is over */
}

/* What was there is known before the new action is: a signal of glibc's may come at any time. */
bool freeze_install(void)
{
    struct signal_raw now;
    if (signal_raw_get(FREEZE_SIGNAL, &now) != 0)
        return false;
    if (now.handler == freeze_handle)
        return true;
    freeze_before = now;
    return signal_raw_set(FREEZE_SIGNAL, freeze_handle, NULL) == 0;
}

void freeze_start(freeze_other other)
{
    freeze_pass = other;
    freeze_install();
}

/* ---- the freezing thread ---- */

bool freeze_is_alone(void)
{
    struct task_list list;
    int error = task_list_begin(&list);
    if (error)
        return false;
    unsigned count = 0;
    for (int tid; count < 2 && (tid = task_list_next(&list)) > 0;)
        count += tid != sys_getpid() || !task_is_dead(tid);
    task_list_end(&list);
    return count == 1;
}

static struct freeze_slot *freeze_slot_of(const struct freeze *freeze, int tid)
{
    for (uint32_t i = 0; i < freeze->count; i++) {
        if (freeze->slots[i].thread.tid == tid)
            return &freeze->slots[i];
    }
    return NULL;
}

static bool freeze_ask(struct freeze *freeze, int tid)
{
    if (freeze->count == freeze->room)
        return false;
    struct freeze_slot *slot = &freeze->slots[freeze->count++];
    slot->thread.tid = tid;
    slot->round = freeze_round;
    task_call(tid, &slot->call);
    if (signal_raw_send(tid, FREEZE_SIGNAL, slot, freeze_round) == -ESRCH)
        slot->state = FREEZE_GONE;
    return true;
}

/* Asks every thread that was not asked yet. How many were new, or -1: there are too many. */
static int freeze_ask_all(struct freeze *freeze)
{
    struct task_list list;
    int added = 0, self = sys_gettid();
    if (task_list_begin(&list) != 0)
        return -1;
    for (int tid; added >= 0 && (tid = task_list_next(&list)) > 0;) {
        if (tid == self || freeze_slot_of(freeze, tid))
            continue;
        added = freeze_ask(freeze, tid) ? added + 1 : -1;
    }
    task_list_end(&list);
    return added;
}

/* A thread that has not answered for a while: ended, or kept in the kernel by something that signals do
   not interrupt, or by a lock of ours with its signals blocked. */
static void freeze_look_at(struct freeze_slot *slot)
{
    struct task_call call;
    int tid = slot->thread.tid;
    if (task_is_dead(tid)) {
        slot->state = FREEZE_GONE;
        return;
    }
    if (!task_call(tid, &call))
        return;
    slot->thread.sp = call.sp - ARCH_RED_ZONE;
    uint32_t asked = FREEZE_ASKED;
    swap_acquire(&slot->state, &asked, FREEZE_HELD_UP);
}

static uint32_t freeze_unanswered(struct freeze *freeze, bool late)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < freeze->count; i++) {
        struct freeze_slot *slot = &freeze->slots[i];
        if (late && load_acquire(&slot->state) == FREEZE_ASKED) /* FREEZE-STATE */
            freeze_look_at(slot);
        count += load_acquire(&slot->state) == FREEZE_ASKED; /* FREEZE-STATE */
    }
    return count;
}

/* Until all have answered and no new thread has come. */
static bool freeze_wait(struct freeze *freeze)
{
    uint64_t start = sys_clock_ns(CLOCK_MONOTONIC);
    for (;;) {
        uint32_t answers = load_relaxed(&freeze_answers);
        uint64_t waited = sys_clock_ns(CLOCK_MONOTONIC) - start;
        if (freeze_unanswered(freeze, waited > FREEZE_LATE_NS) == 0) {
            int added = freeze_ask_all(freeze);
            if (added <= 0)
                return added == 0;
            continue;
        }
        if (waited > FREEZE_PATIENCE_NS)
            return false;
        struct timespec look = {.tv_nsec = FREEZE_LOOK_NS};
        SYS4(SYS_futex, &freeze_answers, FUTEX_WAIT_PRIVATE, answers, &look);
    }
}

static bool freeze_make_room(struct freeze *freeze)
{
    struct task_list list;
    *freeze = (struct freeze){.room = FREEZE_ROOM};
    if (task_list_begin(&list) != 0)
        return false;
    while (task_list_next(&list) > 0)
        freeze->room += 2;
    task_list_end(&list);
    freeze->slots = sys_map(freeze->room * sizeof *freeze->slots);
    return freeze->slots != NULL;
}

bool freeze_begin(struct freeze *freeze)
{
    if (!freeze_make_room(freeze))
        return false;
    if (!freeze_install()) {
        sys_unmap(freeze->slots, freeze->room * sizeof *freeze->slots);
        return false;
    }
    store_release(&freeze_round, freeze_round + 1); /* FREEZE-ROUND */
    if (freeze_ask_all(freeze) < 0 || !freeze_wait(freeze)) {
        freeze_end(freeze);
        return false;
    }
    freeze->all_parked = true;
    for (uint32_t i = 0; i < freeze->count; i++)
        freeze->all_parked &= freeze->slots[i].state != FREEZE_HELD_UP;
    return true;
}

uint32_t freeze_threads(const struct freeze *freeze, struct stopped_thread *threads)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < freeze->count; i++) {
        uint32_t state = load_acquire(&freeze->slots[i].state); /* FREEZE-STATE */
        if (state == FREEZE_PARKED || state == FREEZE_HELD_UP)
            threads[count++] = freeze->slots[i].thread;
    }
    return count;
}

void freeze_end(struct freeze *freeze)
{
    store_release(&freeze_round, freeze_round + 1); /* FREEZE-ROUND */
    SYS3(SYS_futex, &freeze_round, FUTEX_WAKE_PRIVATE, INT32_MAX);
    sys_unmap(freeze->slots, freeze->room * sizeof *freeze->slots);
    freeze->slots = NULL;
}
