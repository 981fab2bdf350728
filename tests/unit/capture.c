/*
 * Every way to capture a stack against libunwind's: hosts that call, return, jump and switch stacks
 * at random, with a capture now and then. Equal stacks have equal sites, so one number tells.
 */
#include "stack/capture.h"
#include "base/lock.h"
#include "base/option.h"
#include "base/sys.h"
#include "frame.h"
#include "memtrack/format.h"
#include "stack/module.h"
#include "stack/site.h"
#include "store/file.h"
#include "unwind.h"

#include <alloca.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#define ALTERNATE_STACK (1u << 20) /* sanitizers make frames large */
#define NO_TAIL_CALL() __asm__ volatile("")

static MT_TLS struct self self;
static MT_TLS uint32_t site; /* of the last capture */
static MT_TLS enum mtf_domain domain;

/* Reads its caller's frame pointer from the stack, which a sanitizer takes for a fault. */
__attribute__((no_sanitize_address)) static MT_NOINLINE void hook(void)
{
    struct host_frame caller = {(uintptr_t)__builtin_return_address(0), ARCH_CALLER_SP(),
                                ARCH_CALLER_FP()};
    self.entered_sp = (uintptr_t)__builtin_frame_address(0);
    site = capture_site(&self, &caller, domain);
}

static uint32_t depth_of(uint32_t a_site)
{
    uint32_t depth = 0;
    for (uint32_t node = site_record(a_site)->node; node; node = site_node_record(node)->parent)
        depth++;
    return depth;
}

static uint64_t differences(void)
{
    return file_header->totals.verify_differences;
}

static uint64_t verified(void)
{
    return file_header->totals.verified;
}

/* ---- a host that does everything at random ---- */

static MT_TLS uint64_t seed;
static MT_TLS int captures_left;
static MT_TLS jmp_buf escape;
static MT_TLS bool escape_is_set;

static unsigned chance(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

static void wander(int depth);

/* One frame of fixed size, one of a size that only fp tells, one that returns a big value through
   memory, one that is called by libc. */
static MT_NOINLINE void step_fixed(int depth)
{
    volatile char room[40];
    room[0] = (char)depth;
    (void)room[0];
    wander(depth + 1);
    NO_TAIL_CALL();
}

static MT_NOINLINE void step_variable(int depth)
{
    volatile char *room = alloca(16 + chance(300));
    room[0] = (char)depth;
    (void)room[0];
    wander(depth + 1);
    NO_TAIL_CALL();
}

static int step_compare(const void *a, const void *b)
{
    if (captures_left > 0 && chance(3) == 0)
        wander(chance(30) ? 30 : 20);
    NO_TAIL_CALL();
    return *(const int *)a - *(const int *)b;
}

static MT_NOINLINE void step_through_libc(void)
{
    int numbers[4] = {3, 1, 2, 0};
    qsort(numbers, 4, sizeof(*numbers), step_compare);
    NO_TAIL_CALL();
}

static MT_NOINLINE void step_capture(void)
{
    if (captures_left-- > 0)
        hook();
    NO_TAIL_CALL();
}

static void wander(int depth)
{
    for (unsigned turns = 1 + chance(4); turns > 0 && captures_left > 0; turns--) {
        unsigned what = chance(20);
        if (what < 8 || depth > 40)
            step_capture();
        else if (what < 13)
            step_fixed(depth);
        else if (what < 18)
            step_variable(depth);
        else if (what == 18)
            step_through_libc();
        else if (escape_is_set && chance(10) == 0)
            longjmp(escape, 1);
    }
}

static void wander_for(int captures, uint64_t a_seed)
{
    seed = a_seed;
    captures_left = captures;
    escape_is_set = true;
    while (captures_left > 0) {
        if (setjmp(escape) == 0)
            wander(0);
    }
    escape_is_set = false;
}

static void random_calls_and_jumps_give_what_libunwind_gives(void **state)
{
    (void)state;
    uint64_t before = verified(), different = differences();
    wander_for(40000, 1);
    if (ARCH_UNWIND_FAST)
        assert_true(verified() - before > 39000);
    assert_int_equal(differences(), different);
}

static void *thread_wander(void *argument)
{
    wander_for(5000, (uint64_t)(uintptr_t)argument);
    return NULL;
}

static void threads_give_what_libunwind_gives(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint64_t different = differences();
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, thread_wander, (void *)(i + 10));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(differences(), different);
}

/* ---- stacks that are switched ---- */

#define COROUTINE_STACK 65536ul

static ucontext_t contexts[3];

static void coroutine(int other)
{
    for (int i = 0; i < 500; i++) {
        step_fixed(38);
        captures_left = 3;
        swapcontext(&contexts[other == 1 ? 2 : 1], &contexts[other]);
    }
    NO_TAIL_CALL();
}

static void coroutines_that_switch_give_what_libunwind_gives(void **state)
{
    (void)state;
    uint64_t before = verified(), different = differences();
    void *stacks =
        mmap(NULL, 2 * COROUTINE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (volatile int i = 1; i < 3; i++) { /* getcontext returns twice, for all that gcc knows */
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = (char *)stacks + (size_t)(i - 1) * COROUTINE_STACK;
        contexts[i].uc_stack.ss_size = COROUTINE_STACK;
        contexts[i].uc_link = &contexts[0];
        makecontext(&contexts[i], (void (*)(void))coroutine, 1, i == 1 ? 2 : 1);
    }
    captures_left = 3;
    swapcontext(&contexts[0], &contexts[1]);
    munmap(stacks, 2 * COROUTINE_STACK);
    if (ARCH_UNWIND_FAST)
        assert_true(verified() - before > 500);
    assert_int_equal(differences(), different);
}

static void handler_wander(int number)
{
    (void)number;
    captures_left = 200;
    wander(30);
    NO_TAIL_CALL();
}

static void handlers_on_either_stack_give_what_libunwind_gives(void **state)
{
    (void)state;
    uint64_t different = differences();
    struct sigaction action = {.sa_handler = handler_wander};
    stack_t other = {.ss_size = ALTERNATE_STACK};
    other.ss_sp =
        mmap(NULL, other.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&other, NULL);
    for (int i = 0; i < 20; i++) {
        action.sa_flags = i % 2 ? SA_ONSTACK : 0;
        sigaction(SIGUSR1, &action, NULL);
        raise(SIGUSR1);
    }
    other.ss_flags = SS_DISABLE;
    sigaltstack(&other, NULL);
    munmap(other.ss_sp, ALTERNATE_STACK);
    assert_int_equal(differences(), different);
}

/* ---- single cases ---- */

static MT_NOINLINE void recurse(int depth)
{
    if (depth == 0)
        hook();
    else
        recurse(depth - 1);
    NO_TAIL_CALL();
}

static MT_NOINLINE void from_here(void)
{
    recurse(5);
    NO_TAIL_CALL();
}

static MT_NOINLINE void from_there(void)
{
    recurse(5);
    NO_TAIL_CALL();
}

static MT_NOINLINE void from_deeper(void)
{
    recurse(6);
    NO_TAIL_CALL();
}

/* Calls each of them in turn from one place, so that nothing but what is called differs. */
static void equal_stacks_and_only_those_share_a_site(void **state)
{
    (void)state;
    static void (*volatile const from[])(void) = {from_here, from_there, from_deeper,
                                                  from_here, from_there, from_deeper};
    uint32_t sites[6];
    for (volatile int i = 0; i < 6; i++) {
        from[i]();
        sites[i] = site;
    }
    assert_int_not_equal(sites[0], 0);
    assert_int_equal(sites[3], sites[0]);
    assert_int_equal(sites[4], sites[1]);
    assert_int_equal(sites[5], sites[2]);
    assert_int_not_equal(sites[1], sites[0]);
    assert_int_equal(depth_of(sites[1]), depth_of(sites[0]));
    assert_int_equal(depth_of(sites[2]), depth_of(sites[0]) + 1);
}

/* The order of asking goes round, so that each domain is once the first to meet the stack. */
static void one_stack_has_a_site_in_each_domain(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3 * MTF_DOMAIN_LIMIT; i++) {
        uint32_t found[MTF_DOMAIN_LIMIT];
        for (uint32_t j = 0; j < MTF_DOMAIN_LIMIT; j++) {
            domain = (enum mtf_domain)((i + j) % MTF_DOMAIN_LIMIT);
            recurse((int)(30 + i % MTF_DOMAIN_LIMIT));
            found[j] = site;
            assert_int_equal(site_record(site)->domain, domain);
            assert_int_equal(site_record(site)->node, site_record(found[0])->node);
        }
    }
    domain = MTF_DOMAIN_HEAP;
}

static void stacks_beyond_the_limit_end_in_a_cut_node(void **state)
{
    (void)state;
    uint64_t different = differences();
    uint32_t limit = capture_depth;
    capture_depth = 20;
    for (int depth = 0; depth < 60; depth++) {
        recurse(depth);
        recurse(depth);
        assert_true(depth_of(site) <= 21);
    }
    uint32_t node = site_record(site)->node;
    while (site_node_record(node)->parent)
        node = site_node_record(node)->parent;
    assert_int_equal(site_frame_record(node)->flags, MTF_NODE_CUT);
    assert_int_equal(depth_of(site), 21);
    assert_int_equal(differences(), different);
    capture_depth = limit;
}

static void a_capture_keeps_errno(void **state)
{
    (void)state;
    errno = EAGAIN;
    wander_for(100, 3);
    assert_int_equal(errno, EAGAIN);
}

/* The capture in progress says so by the stay inside the shim that it belongs to. */
static void a_capture_within_a_capture_leaves_the_outer_one_alone(void **state)
{
    (void)state;
    struct host_frame caller = {(uintptr_t)__builtin_return_address(0), ARCH_CALLER_SP(),
                                ARCH_CALLER_FP()};
    self.entered_sp = 1;
    uint32_t outer = capture_site(&self, &caller, MTF_DOMAIN_HEAP);
    uintptr_t *busy = (uintptr_t *)self.capture;
    *busy = 1;
    uint32_t inner = capture_site(&self, &caller, MTF_DOMAIN_HEAP);
    assert_int_equal(*busy, 1);
    assert_int_equal(inner, outer);
    self.entered_sp = 2; /* entered again: the outer capture was left by longjmp */
    assert_int_equal(capture_site(&self, &caller, MTF_DOMAIN_HEAP), outer);
    assert_int_equal(*busy, 0);
}

static void a_forked_child_captures(void **state)
{
    (void)state;
    recurse(4);
    int status = 1;
    uint32_t before = site;
    pid_t child = fork();
    if (child == 0) {
        capture_fork_child();
        recurse(4);
        _exit(site_record(site)->node && differences() == 0 ? 0 : 3);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_not_equal(before, 0);
}

static int start(void **state)
{
    (void)state;
    lock_start();
    option_parse("unwind=verify");
    if (!file_start() || !site_start())
        return -1;
    module_start();
    capture_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_stacks_and_only_those_share_a_site),
        cmocka_unit_test(random_calls_and_jumps_give_what_libunwind_gives),
        cmocka_unit_test(coroutines_that_switch_give_what_libunwind_gives),
        cmocka_unit_test(handlers_on_either_stack_give_what_libunwind_gives),
        cmocka_unit_test(one_stack_has_a_site_in_each_domain),
        cmocka_unit_test(stacks_beyond_the_limit_end_in_a_cut_node),
        cmocka_unit_test(a_capture_keeps_errno),
        cmocka_unit_test(a_capture_within_a_capture_leaves_the_outer_one_alone),
        cmocka_unit_test(a_forked_child_captures),
        cmocka_unit_test(threads_give_what_libunwind_gives),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
