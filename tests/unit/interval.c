#include "interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define RANGES 300
#define ADDRESSES 1000

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

static void an_empty_set_covers_nothing(void **state)
{
    struct interval_set set = {0};
    (void)state;
    assert_int_equal(interval_add(&set, 5, 5, 1), 0);
    assert_int_equal(interval_add(&set, 9, 5, 1), 0);
    interval_seal(&set);
    assert_null(interval_covering(&set, 5, NULL));
    interval_free(&set);
}

static void inner_ranges_come_before_the_ones_around_them(void **state)
{
    struct interval_set set = {0};
    (void)state;
    interval_add(&set, 12, 14, 3);
    interval_add(&set, 0, 100, 1);
    interval_add(&set, 10, 20, 2);
    interval_add(&set, 15, 16, 4);
    interval_seal(&set);
    const struct interval *range = NULL;
    for (uint32_t id = 3; id >= 1; id--) {
        range = interval_covering(&set, 13, range);
        assert_non_null(range);
        assert_int_equal(range->id, id);
    }
    assert_null(interval_covering(&set, 13, range));
    assert_null(interval_covering(&set, 100, NULL));
    interval_free(&set);
}

/* Against a list that is searched from end to end. */
static void exactly_the_covering_ranges_are_found(void **state)
{
    static uint32_t low[RANGES];
    static uint32_t high[RANGES];
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct interval_set set = {0};
        for (uint32_t id = 0; id < RANGES; id++) {
            low[id] = random_below(ADDRESSES);
            high[id] = low[id] + random_below(round % 2 ? 10 : 400);
            assert_int_equal(interval_add(&set, low[id], high[id], id), 0);
        }
        interval_seal(&set);
        for (uint32_t address = 0; address < ADDRESSES; address++) {
            bool found[RANGES] = {false};
            uint64_t before = UINT64_MAX;
            const struct interval *range = NULL;
            while ((range = interval_covering(&set, address, range)) != NULL) {
                assert_false(found[range->id]);
                found[range->id] = true;
                assert_true(range->low <= before);
                before = range->low;
            }
            for (uint32_t id = 0; id < RANGES; id++)
                assert_int_equal(found[id], low[id] <= address && address < high[id]);
        }
        interval_free(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_covers_nothing),
        cmocka_unit_test(inner_ranges_come_before_the_ones_around_them),
        cmocka_unit_test(exactly_the_covering_ranges_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
