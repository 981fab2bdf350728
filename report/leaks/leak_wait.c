#include "leak_wait.h"
#include "memtrack/format.h"
#include "progress.h"
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_FIRST_NS 2000000
#define WAIT_LONGEST_NS 200000000
#define WAIT_ASK_AGAIN_NS 500000000

/* One request, on its way. */
struct wait_work {
    int pid;
    const char *path; /* of its report */
    uint64_t request;
    uint32_t before; /* checks that there were before it */
    int64_t began_ns;
    int64_t asked_ns; /* when it was sent last; 0: not yet */
    int64_t patience_ns;
    bool begun; /* the check is in the report, but not over */
};

static int64_t wait_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The process may have served a request of this number before, of this or another command. */
static uint64_t wait_number(void)
{
    uint64_t number = (uint64_t)wait_now() * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid();
    return (number >> 32) << MTF_ASK_NUMBER_SHIFT;
}

/* The first check on request behind those that there were; NULL if there is none yet. */
static const struct snapshot_check *wait_find(const struct snapshot *snapshot, uint32_t before)
{
    for (uint32_t i = before; i < snapshot->check_count; i++) {
        if (snapshot->checks[i].trigger == MTF_CHECK_BY_COMMAND)
            return &snapshot->checks[i];
    }
    return NULL;
}

/* Reads the report. 1: the check is over, and in `wait`; 0: not yet. */
static int wait_look(struct wait_work *work, struct leak_wait *wait, char *message, size_t size)
{
    int error = snapshot_load(work->path, &wait->snapshot, message, size);
    if (error != 0)
        return error;
    wait->check = wait_find(wait->snapshot, work->before);
    work->begun = wait->check != NULL;
    if (work->begun && wait->check->failure != MTF_CHECK_RUNNING)
        return 1;
    snapshot_free(wait->snapshot);
    wait->snapshot = NULL;
    return 0;
}

static int wait_give_up(const struct wait_work *work, char *message, size_t size)
{
    int pid = work->pid;
    if (work->begun)
        snprintf(message, size,
                 "process %d still looks for leaks; read what it finds later with: "
                 "memtrack report --leaks %s",
                 pid, work->path);
    else
        snprintf(message, size,
                 "process %d did not answer: its threads may all be waiting in the kernel; ask "
                 "again, or give it more time with --timeout",
                 pid);
    return -ETIMEDOUT;
}

/* Is there any use in waiting on? */
static int wait_check_process(const struct wait_work *work, char *message, size_t size)
{
    int pid = work->pid;
    char state = request_state(pid);
    if (state == 0) {
        snprintf(message, size, "process %d ended before it could answer; read: memtrack report %s",
                 pid, work->path);
        return -ESRCH;
    }
    if (state == 'T' || state == 't') {
        snprintf(message, size,
                 "process %d is stopped and cannot answer; let it go on (kill -CONT %d, or the "
                 "debugger) and ask again",
                 pid, pid);
        return -EBUSY;
    }
    return wait_now() - work->began_ns > work->patience_ns ? wait_give_up(work, message, size) : 0;
}

/* Again from time to time: it may have been busy with another check, or just be coming up. */
static int wait_ask(struct wait_work *work, char *message, size_t size)
{
    int64_t now = wait_now();
    if (work->begun || (work->asked_ns != 0 && now - work->asked_ns < WAIT_ASK_AGAIN_NS))
        return 0;
    int error = request_send(work->pid, work->request, message, size);
    work->asked_ns = now;
    return error == -EAGAIN && now - work->began_ns < work->patience_ns ? 0 : error;
}

/* Reading a large report takes long: no more than some part of the time is spent on it. */
static void wait_sleep(int64_t *pause_ns, int64_t look_ns)
{
    if (*pause_ns < WAIT_LONGEST_NS)
        *pause_ns += *pause_ns / 2;
    int64_t wanted = look_ns * 4 > *pause_ns ? look_ns * 4 : *pause_ns;
    if (wanted > 2 * INT64_C(1000000000))
        wanted = 2 * INT64_C(1000000000);
    struct timespec pause = {.tv_sec = wanted / 1000000000, .tv_nsec = wanted % 1000000000};
    nanosleep(&pause, NULL);
}

static int wait_until_over(struct wait_work *work, struct leak_wait *wait, char *message,
                           size_t size)
{
    int64_t pause_ns = WAIT_FIRST_NS;
    for (;;) {
        int error = wait_ask(work, message, size);
        int64_t began = wait_now();
        int looked = error == 0 ? wait_look(work, wait, message, size) : error;
        if (looked != 0)
            return looked > 0 ? 0 : looked;
        error = wait_check_process(work, message, size);
        if (error != 0)
            return error;
        progress_step("waiting for the process, seconds",
                      (uint64_t)(began - work->began_ns) / 1000000000u);
        wait_sleep(&pause_ns, wait_now() - began);
    }
}

int leak_wait(struct leak_wait *wait, int pid, const char *path, unsigned patience_s, char *message,
              size_t message_size)
{
    struct wait_work work = {.pid = pid,
                             .path = path,
                             .request = wait_number(),
                             .began_ns = wait_now(),
                             .patience_ns = patience_s * INT64_C(1000000000)};
    char unused[SNAPSHOT_MESSAGE_SIZE];
    *wait = (struct leak_wait){0};
    int error = snapshot_load(path, &wait->snapshot, message, message_size);
    if (error != 0)
        return error;
    work.before = wait->snapshot->check_count;
    snapshot_free(wait->snapshot);
    wait->snapshot = NULL;
    error = wait_until_over(&work, wait, message, message_size);
    if (error == 0)
        request_send(pid, work.request | MTF_ASK_COLLECT, unused, sizeof unused);
    return error;
}
