/*
 * What one capture costs, in nanoseconds, at four depths and for three patterns:
 *   same     the very stack that was captured before
 *   leaf     the innermost caller changes from capture to capture
 *   half     every frame inside of half the depth is new
 */
#include "base/lock.h"
#include "base/option.h"
#include "base/sys.h"
#include "frame.h"
#include "stack/capture.h"
#include "stack/module.h"
#include "stack/site.h"
#include "store/file.h"

#include <stdio.h>
#include <time.h>

#define NO_TAIL_CALL() __asm__ volatile("")
#define ROUNDS 300000
#define LEAVES 64

static struct self self;
static uint64_t spent;
static unsigned long captures;

static MT_NOINLINE void hook(void)
{
    struct host_frame caller = {(uintptr_t)__builtin_return_address(0), ARCH_CALLER_SP(),
                                ARCH_CALLER_FP()};
    self.entered_sp = (uintptr_t)__builtin_frame_address(0);
    capture_site(&self, &caller);
    captures++;
}

#define LEAF(n)                                                                                    \
    static MT_NOINLINE void leaf_##n(void)                                                         \
    {                                                                                              \
        hook();                                                                                    \
        NO_TAIL_CALL();                                                                            \
    }
#define EIGHT(X, p) X(p##0) X(p##1) X(p##2) X(p##3) X(p##4) X(p##5) X(p##6) X(p##7)
#define ALL(X)                                                                                     \
    EIGHT(X, 0) EIGHT(X, 1) EIGHT(X, 2) EIGHT(X, 3) EIGHT(X, 4) EIGHT(X, 5) EIGHT(X, 6) EIGHT(X, 7)
ALL(LEAF)
#define NAME(n) leaf_##n,
static void (*const leaves[LEAVES])(void) = {ALL(NAME)};

static void run_same(void)
{
    for (int i = 0; i < ROUNDS; i++)
        leaves[0]();
}

static void run_leaf(void)
{
    for (int i = 0; i < ROUNDS; i++)
        leaves[i % LEAVES]();
}

static MT_NOINLINE void go_down(int depth, void (*then)(void))
{
    if (depth > 0)
        go_down(depth - 1, then);
    else
        then();
    NO_TAIL_CALL();
}

static MT_NOINLINE void go_one_way(int depth)
{
    go_down(depth, leaves[0]);
    NO_TAIL_CALL();
}

static MT_NOINLINE void go_other_way(int depth)
{
    go_down(depth, leaves[1]);
    NO_TAIL_CALL();
}

static int half_depth;

static void run_half(void)
{
    for (int i = 0; i < ROUNDS / 4; i++) {
        go_one_way(half_depth);
        go_other_way(half_depth);
    }
}

static double measure(int depth, void (*run)(void))
{
    captures = 0;
    spent = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    go_down(depth, run);
    spent = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - spent;
    return (double)spent / (double)captures;
}

static void print_row(const char *name)
{
    static const int depths[] = {5, 15, 30, 60};
    option_parse(name);
    printf("%-18s", name);
    for (unsigned i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
        half_depth = depths[i] / 2;
        printf("  %6.1f /%6.1f /%7.1f", measure(depths[i], run_same), measure(depths[i], run_leaf),
               measure(depths[i] / 2, run_half));
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    (void)argv;
    lock_start();
    option_parse(NULL);
    if (!file_start() || !site_start())
        return 2;
    module_start();
    capture_start();
    printf("ns: same / leaf / half, at depth 5, 15, 30, 60\n");
    print_row("unwind=fast");
    if (argc > 1)
        print_row("unwind=libunwind");
    return 0;
}
