#include "scan/copy.h"
#include "base/atomic.h"
#include "base/own.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define COPY_LOOK_NS 20000000ull /* between two looks at whether it lives */

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

uint32_t copy_lacks_memory;

int copy_make(struct copy *copy)
{
    intptr_t shared =
        sys_mmap(NULL, SYS_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sys_failed(shared))
        return (int)shared;
    copy->shared = (struct copy_shared *)shared;
    own_add(copy->shared, SYS_PAGE);
    long pid = SYS1(SYS_clone, 0); /* a fork without handlers, and without a signal at the end */
    if (pid == 0) {
        SYS3(SYS_close_range, 0, UINT32_MAX, 0);
        return 0;
    }
    copy->pid = pid > 0 ? (int)pid : 0;
    if (pid < 0) {
        sys_unmap(copy->shared, SYS_PAGE);
        copy->shared = NULL;
    }
    return pid > 0 ? 1 : (int)pid;
}

void copy_end(struct copy *copy, const struct mtf_check *record)
{
    copy->shared->record = *record;
    store_release(&copy->shared->done, 1); /* COPY-DONE */
    SYS3(SYS_futex, &copy->shared->done, FUTEX_WAKE, INT32_MAX);
    for (;;)
        SYS1(SYS_exit_group, 0);
}

/* Takes it away if it has ended. */
static bool copy_reap(struct copy *copy, int options)
{
    long got;
    do {
        got = SYS4(SYS_wait4, copy->pid, 0, options | __WCLONE, 0);
    } while (got == -EINTR);
    return got != 0; /* also where somebody else has taken it */
}

bool copy_is_done(struct copy *copy)
{
    return load_acquire(&copy->shared->done) != 0; /* COPY-DONE */
}

bool copy_wait(struct copy *copy, uint64_t patience_ns, struct mtf_check *record)
{
    uint64_t deadline = sys_clock_ns(CLOCK_MONOTONIC) + patience_ns;
    bool reaped = false;
    while (!copy_is_done(copy) && !reaped && sys_clock_ns(CLOCK_MONOTONIC) < deadline) {
        struct timespec look = {.tv_nsec = COPY_LOOK_NS};
        SYS4(SYS_futex, &copy->shared->done, FUTEX_WAIT, 0, &look);
        reaped = !copy_is_done(copy) && copy_reap(copy, WNOHANG);
    }
    if (!copy_is_done(copy) && !reaped)
        SYS2(SYS_kill, copy->pid, SIGKILL);
    if (!reaped)
        copy_reap(copy, 0);
    bool done = copy_is_done(copy);
    if (done)
        *record = copy->shared->record;
    sys_unmap(copy->shared, SYS_PAGE);
    copy->shared = NULL;
    copy->pid = 0;
    return done;
}
