/* Capture of one stack at several depths: the fast path, libunwind, and libc's backtrace. */
#include "base/lock.h"
#include "base/option.h"
#include "frame.h"
#include "micro.h"
#include "stack/capture.h"
#include "stack/module.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/host.h"
#include "track/thread.h"

#include <execinfo.h>
#include <stdio.h>

#define BACKTRACE_MAX 256

/* Behind a last call: keeps the compiler from making it a jump. */
#define NO_TAIL_CALL() __asm__ volatile("")

struct capture_way {
    const char *name;
    void (*capture)(struct self *self);
    enum option_unwind unwind;
    size_t steps; /* of a full run */
};

struct capture_trial {
    struct self *self;
    void (*capture)(struct self *self);
    size_t steps;
    int half; /* frames below the place from which each stack is a new one */
};

static volatile uint32_t capture_sink;

static MT_NOINLINE void capture_nothing(struct self *self)
{
    (void)self;
    NO_TAIL_CALL();
}

/* Stands for a hook. */
static MT_NOINLINE void capture_ours(struct self *self)
{
    struct host_frame caller = {(uintptr_t)__builtin_return_address(0), ARCH_CALLER_SP(),
                                ARCH_CALLER_FP()};
    self->entered_sp = (uintptr_t)__builtin_frame_address(0);
    capture_sink = capture_site(self, &caller, MTF_DOMAIN_HEAP);
    if (capture_sink == 0)
        micro_fail("a stack was not captured");
}

static MT_NOINLINE void capture_by_libc(struct self *self)
{
    void *frames[BACKTRACE_MAX];
    (void)self;
    capture_sink = (uint32_t)backtrace(frames, BACKTRACE_MAX);
}

/* NOLINTBEGIN(bugprone-branch-clone): each call leaves a return address of its own */

/* Eight calls: the innermost frame differs, as it does in programs. */
static MT_NOINLINE void capture_leaf(const struct capture_trial *trial, size_t step)
{
    switch (step % 8) {
    case 0:
        trial->capture(trial->self);
        break;
    case 1:
        trial->capture(trial->self);
        break;
    case 2:
        trial->capture(trial->self);
        break;
    case 3:
        trial->capture(trial->self);
        break;
    case 4:
        trial->capture(trial->self);
        break;
    case 5:
        trial->capture(trial->self);
        break;
    case 6:
        trial->capture(trial->self);
        break;
    default:
        trial->capture(trial->self);
    }
    NO_TAIL_CALL();
}

/* `path` says by which of two calls each frame goes on: another path is another stack. */
static MT_NOINLINE void capture_descend(const struct capture_trial *trial, int depth, size_t step,
                                        uint64_t path)
{
    if (depth <= 1)
        capture_leaf(trial, step);
    else if (path & 1)
        capture_descend(trial, depth - 1, step, path >> 1);
    else
        capture_descend(trial, depth - 1, step, path >> 1);
    NO_TAIL_CALL();
}

/* NOLINTEND(bugprone-branch-clone) */

static MT_NOINLINE void capture_loop(const struct capture_trial *trial)
{
    uint64_t random = 3;
    for (size_t i = 0; i < trial->steps; i++) {
        uint64_t path = trial->half > 1 ? micro_random(&random) & 0xff : 0;
        capture_descend(trial, trial->half, i, path);
    }
}

static MT_NOINLINE void capture_begin(const struct capture_trial *trial, int depth)
{
    if (depth <= 0)
        capture_loop(trial);
    else
        capture_begin(trial, depth - 1);
    NO_TAIL_CALL();
}

static double capture_time(const struct capture_way *way, struct self *self, int depth, int half)
{
    struct capture_trial trial = {.self = self, .capture = way->capture, .half = half};
    trial.steps = micro_quick ? 1000 : way->steps;
    capture_begin(&trial, depth - half); /* once for nothing: rules, caches, the trie */
    uint64_t begin = micro_now_ns();
    capture_begin(&trial, depth - half);
    uint64_t spent = micro_now_ns() - begin;
    trial.capture = capture_nothing;
    begin = micro_now_ns();
    capture_begin(&trial, depth - half);
    uint64_t calls = micro_now_ns() - begin;
    return ((double)spent - (double)calls) / (double)trial.steps;
}

static void capture_part(const void *argument)
{
    const struct capture_way *way = argument;
    const int depths[] = {5, 15, 30, 60};
    lock_start();
    option_parse(NULL);
    option.unwind = way->unwind;
    if (!file_start() || !site_start())
        micro_fail("no memory for the tables");
    host_identify();
    module_start();
    capture_start();
    struct self *self = thread_attach();
    if (self == NULL)
        micro_fail("no thread state");
    printf("| %s |", way->name);
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        printf(" %.1f / %.1f |", capture_time(way, self, depths[i], 1),
               capture_time(way, self, depths[i], depths[i] / 2));
    puts("");
}

void capture_speed(void)
{
    const struct capture_way ways[] = {
        {"fast path", capture_ours, OPTION_UNWIND_FAST, 1000000},
        {"libunwind", capture_ours, OPTION_UNWIND_LIBUNWIND, 50000},
        {"libc's backtrace()", capture_by_libc, OPTION_UNWIND_FAST, 50000},
    };
    puts(
        "\n| one stack, ns (innermost frame differs / half of the frames do) | depth 5 | 15 | 30 | "
        "60 |\n| --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        micro_alone(capture_part, &ways[i]);
}
