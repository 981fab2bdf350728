/* Lifetimes: exact for recent births, a part in a thousand off for old ones, none lost. */
#include "measure/lifetime.h"
#include "child.h"
#include "measure/usage.h"
#include "store/file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t sum(const uint64_t *steps)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < MTF_LIFETIME_STEPS; i++)
        all += steps[i];
    return all;
}

static void start(void)
{
    REQUIRE(file_start());
    lifetime_start();
    REQUIRE(lifetime_is_on);
}

/* Block i dies when exactly 4^i bytes were allocated after it: one in each step from the first on. */
static void die_at_powers_of_four(void)
{
    start();
    uint64_t sequence = 0;
    for (unsigned power = 2; power < 12; power++) {
        uint64_t born = ++sequence;
        lifetime_born(born, 1000);
        for (uint64_t bytes = 0; bytes < 1ull << (2 * power); bytes += 16)
            lifetime_born(++sequence, 16);
        lifetime_died(1, born);
        REQUIRE(usage_lifetime_of(1)->bytes[power - 1] == 1); /* 4^p is not below 4^p */
    }
    lifetime_born(++sequence, 5);
    lifetime_died(1, sequence);
    REQUIRE(usage_lifetime_of(1)->bytes[0] == 1);
    REQUIRE(sum(usage_lifetime_of(1)->bytes) == 11 && sum(usage_lifetime_of(1)->ns) == 11);
}

static void a_lifetime_counts_what_was_allocated_meanwhile(void **state)
{
    (void)state;
    assert_int_equal(child_run(die_at_powers_of_four), 0);
}

static void sleep_between(void)
{
    start();
    lifetime_born(1, 8);
    usleep(20000);
    lifetime_died(7, 1);
    uint64_t late = 0;
    for (unsigned i = 0; i < MTF_LIFETIME_STEPS; i++) {
        if (usage_lifetime_of(7)->ns[i])
            late = 1ull << (2 * (i + 4)); /* above the true time, and not above four times it */
    }
    REQUIRE(late > 20000000);
}

static void a_lifetime_counts_time(void **state)
{
    (void)state;
    assert_int_equal(child_run(sleep_between), 0);
}

/* More births than the recent ones, and than the old table holds at its first step. */
static void die_old(void)
{
    start();
    uint64_t newest = 36u << 20;
    for (uint64_t sequence = 512; sequence <= newest; sequence += 512)
        lifetime_born(sequence, 512);
    lifetime_died(1, 5120); /* about 36 MiB: 4^12 is 16 MiB, 4^13 is 64 */
    REQUIRE(usage_lifetime_of(1)->bytes[13 - 2] == 1);
    lifetime_died(1, newest - (3u << 20)); /* 3 MiB ago: 4^11 is 4 MiB */
    REQUIRE(usage_lifetime_of(1)->bytes[11 - 2] == 1);
}

static void old_blocks_are_known_by_their_neighbours(void **state)
{
    (void)state;
    assert_int_equal(child_run(die_old), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lifetime_counts_what_was_allocated_meanwhile),
        cmocka_unit_test(a_lifetime_counts_time),
        cmocka_unit_test(old_blocks_are_known_by_their_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
