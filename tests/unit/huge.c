/* Sizes of blocks over 4 GiB. */
#include "track/huge.h"
#include "child.h"
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ENTRIES 5000

static const void *address_of(uintptr_t i)
{
    return (const void *)(0x7f0000000000 + i * 0x100000010);
}

static void every_size_comes_back_and_goes_when_it_is_taken(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < ENTRIES; i++)
        assert_true(huge_put(address_of(i), (5ull << 30) + i));
    for (uintptr_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(huge_get(address_of(i), false), (5ull << 30) + i);
        assert_int_equal(huge_get(address_of(i), i % 2), (5ull << 30) + i);
    }
    for (uintptr_t i = 0; i < ENTRIES; i++)
        assert_int_equal(huge_get(address_of(i), true), i % 2 ? HUGE_LEAST : (5ull << 30) + i);
    assert_int_equal(huge_get(address_of(0), true), HUGE_LEAST);
}

static void put_until_refused(void)
{
    uintptr_t kept = 0;
    fault_all_after(2);
    while (kept < 1000000 && huge_put(address_of(kept), SIZE_MAX - kept))
        kept++;
    REQUIRE(kept > 0 && kept < 1000000);
    REQUIRE(huge_get(address_of(kept), false) == HUGE_LEAST);
    for (uintptr_t i = 0; i < kept; i++)
        REQUIRE(huge_get(address_of(i), true) == SIZE_MAX - i);
    REQUIRE(huge_put(address_of(0), SIZE_MAX)); /* in what has been freed */
}

static void without_memory_it_refuses_and_keeps_the_rest(void **state)
{
    (void)state;
    assert_int_equal(child_run(put_until_refused), 0);
}

static void put_with_one_failure(void)
{
    for (long n = 0; n < 8; n++) {
        fault_one_after(n);
        uintptr_t first = (uintptr_t)n * ENTRIES;
        for (uintptr_t i = first; i < first + ENTRIES; i++) {
            bool kept = huge_put(address_of(i), SIZE_MAX - i);
            REQUIRE(huge_get(address_of(i), false) == (kept ? SIZE_MAX - i : HUGE_LEAST));
        }
    }
}

static void a_failure_at_any_mapping_costs_at_most_that_block(void **state)
{
    (void)state;
    assert_int_equal(child_run(put_with_one_failure), 0);
}

static void fork_with_the_lock(void)
{
    REQUIRE(huge_put(address_of(1), 5ull << 30));
    huge_fork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        huge_fork_child(true);
        REQUIRE(huge_get(address_of(1), true) == 5ull << 30);
        _exit(0);
    }
    huge_fork_parent();
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    REQUIRE(huge_get(address_of(1), true) == 5ull << 30);
}

static void parent_and_child_go_on_after_a_fork(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_with_the_lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_refuses_and_keeps_the_rest),
        cmocka_unit_test(a_failure_at_any_mapping_costs_at_most_that_block),
        cmocka_unit_test(parent_and_child_go_on_after_a_fork),
        cmocka_unit_test(every_size_comes_back_and_goes_when_it_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
