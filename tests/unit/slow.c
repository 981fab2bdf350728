/* The walk through libunwind, as the fallback and the yardstick of all others. */
#include "stack/slow.h"
#include "base/lock.h"
#include "frame.h"
#include "memtrack/format.h"
#include "stack/module.h"
#include "stack/rule.h"
#include "stack/site.h"
#include "store/file.h"
#include "unwind.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAMES_MAX 1024

static struct slow_space space;
static struct walk_frame frames[FRAMES_MAX];
static struct walk walk;

/* Behind a last call: keeps the compiler from making it a jump. */
#define NO_TAIL_CALL() __asm__ volatile("")

/* Stands for a hook: walks from its caller outwards. */
static MT_NOINLINE void hook(uint32_t limit)
{
    struct probe probe = {0, 0};
    struct host_frame caller = {(uintptr_t)__builtin_return_address(0), ARCH_CALLER_SP(),
                                ARCH_CALLER_FP()};
    walk = (struct walk){.frames = frames, .limit = limit};
    slow_walk(&space, &probe, &caller, module_epoch, &walk);
}

static bool frame_is_in(uint32_t index, const void *function, size_t bytes)
{
    return frames[index].pc - (uintptr_t)function < bytes;
}

static MT_NOINLINE int host_recurse(int depth, uint32_t limit)
{
    if (depth == 0)
        hook(limit);
    else
        host_recurse(depth - 1, limit);
    NO_TAIL_CALL();
    return depth;
}

static void a_recursion_of_n_calls_has_n_frames_of_one_function(void **state)
{
    (void)state;
    host_recurse(0, FRAMES_MAX);
    uint32_t shallow = walk.count;
    host_recurse(40, FRAMES_MAX);
    assert_int_equal(walk.count, shallow + 40);
    assert_false(walk.cut);
    for (uint32_t i = 0; i < 41; i++)
        assert_true(frame_is_in(i, (const void *)host_recurse, 200));
}

static void a_deeper_stack_keeps_its_innermost_frames(void **state)
{
    (void)state;
    host_recurse(40, 10);
    assert_int_equal(walk.count, 10);
    assert_true(walk.cut);
    assert_true(frame_is_in(9, (const void *)host_recurse, 200));
}

static void handler(int number)
{
    (void)number;
    hook(FRAMES_MAX);
    NO_TAIL_CALL();
}

static void check_signal_frames(void)
{
    uint32_t exact = 0;
    for (uint32_t i = 0; i < walk.count; i++)
        if (frames[i].flags & MTF_NODE_EXACT)
            exact++;
    assert_int_equal(exact, 2); /* the trampoline and what it interrupted */
    assert_true(frame_is_in(0, (const void *)handler, 100));
    assert_int_equal(frames[1].flags, MTF_NODE_EXACT);
    assert_int_equal(frames[2].flags, MTF_NODE_EXACT);
    assert_true(walk.count > 5);
}

static void a_handler_is_followed_to_what_it_interrupted(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    check_signal_frames();
}

static void a_handler_on_an_alternate_stack_is_followed_too(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&other, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    check_signal_frames();
    other.ss_flags = SS_DISABLE;
    sigaltstack(&other, NULL);
    free(other.ss_sp);
}

static ucontext_t outer, inner;

static void coroutine(void)
{
    host_recurse(3, FRAMES_MAX);
    NO_TAIL_CALL();
}

static void a_coroutine_ends_at_its_own_start(void **state)
{
    (void)state;
    void *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&inner);
    inner.uc_stack.ss_sp = stack;
    inner.uc_stack.ss_size = 65536;
    inner.uc_link = &outer;
    makecontext(&inner, coroutine, 0);
    swapcontext(&outer, &inner);
    munmap(stack, 65536);
    assert_in_range(walk.count, 5, 6);
    assert_true(frame_is_in(4, (const void *)coroutine, 100));
    assert_int_equal(frames[4].flags, 0);
    if (ARCH_UNWIND_FAST)
        assert_int_equal(frames[walk.count - 1].flags, MTF_NODE_EXACT);
}

static void a_walk_opens_no_descriptor_and_keeps_errno(void **state)
{
    (void)state;
    int before = dup(2);
    close(before);
    errno = EAGAIN;
    host_recurse(10, FRAMES_MAX);
    assert_int_equal(errno, EAGAIN);
    int after = dup(2);
    close(after);
    assert_int_equal(after, before);
}

/* sub $24, %rsp; call *%rsi; add $24, %rsp; ret. No unwind table tells about it. */
static void code_without_tables_ends_the_walk_with_what_is_known(void **state)
{
    (void)state;
#if defined(__x86_64__)
    static const unsigned char code[] = {0x48, 0x83, 0xec, 0x18, 0xff, 0xd6,
                                         0x48, 0x83, 0xc4, 0x18, 0xc3};
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    ((void (*)(uint32_t, void (*)(uint32_t)))page)(FRAMES_MAX, hook);
    assert_true(walk.count >= 1);
    assert_true(frame_is_in(0, page, sizeof(code)));
    munmap(page, 4096);
#else
    skip();
#endif
}

static int start(void **state)
{
    (void)state;
    lock_start();
    if (!file_start() || !site_start()) /* a rule knows the frame of its address */
        return -1;
    module_start();
    rule_start();
    slow_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recursion_of_n_calls_has_n_frames_of_one_function),
        cmocka_unit_test(a_deeper_stack_keeps_its_innermost_frames),
        cmocka_unit_test(a_handler_is_followed_to_what_it_interrupted),
        cmocka_unit_test(a_handler_on_an_alternate_stack_is_followed_too),
        cmocka_unit_test(a_coroutine_ends_at_its_own_start),
        cmocka_unit_test(a_walk_opens_no_descriptor_and_keeps_errno),
        cmocka_unit_test(code_without_tables_ends_the_walk_with_what_is_known),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
