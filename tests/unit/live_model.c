/* What the live view computes from one look at a report to the next. */
#include "live/live_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static struct snapshot_site sites[4];

static struct snapshot look(uint32_t count)
{
    return (struct snapshot){.sites = sites, .site_count = count};
}

static void allocate(uint32_t site, uint64_t blocks, uint64_t size)
{
    struct figures *figures = &sites[site].figures;
    figures->allocs += blocks;
    figures->alloc_bytes += blocks * size;
    figures->live_blocks += blocks;
    figures->live_bytes += blocks * size;
}

static void release(uint32_t site, uint64_t blocks, uint64_t size)
{
    struct figures *figures = &sites[site].figures;
    figures->frees += blocks;
    figures->live_blocks -= blocks;
    figures->live_bytes -= blocks * size;
}

static int begin(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        sites[i] = (struct snapshot_site){.domain = MTF_DOMAIN_HEAP};
    return 0;
}

static void growth_counts_from_the_mark_and_rates_from_look_to_look(void **state)
{
    struct live_model model = {0};
    struct snapshot snapshot = look(2);
    (void)state;
    allocate(1, 10, 100);
    assert_int_equal(live_update(&model, &snapshot, SECOND), 0);
    assert_int_equal(model.rows[1].growth_bytes, 0);
    assert_int_equal(model.rows[1].rate_bytes, 0);

    allocate(1, 4, 100);
    release(1, 9, 100);
    assert_int_equal(live_update(&model, &snapshot, 3 * SECOND), 0);
    assert_int_equal(model.rows[1].live_bytes, 500);
    assert_int_equal(model.rows[1].growth_bytes, -500);
    assert_int_equal(model.rows[1].growth_blocks, -5);
    assert_int_equal(model.rows[1].rate_bytes, 200);
    assert_int_equal(model.rows[1].rate_calls, 2);
    assert_int_equal(model.rows[1].rate_frees, 4);

    assert_int_equal(live_mark(&model), 0);
    assert_int_equal(model.rows[1].growth_bytes, 0);
    allocate(1, 1, 100);
    assert_int_equal(live_update(&model, &snapshot, 4 * SECOND), 0);
    assert_int_equal(model.rows[1].growth_bytes, 100);
    assert_int_equal(model.rows[1].rate_bytes, 100);
    assert_int_equal(model.sums[MTF_DOMAIN_HEAP].live_bytes, 600);
    live_free(&model);
}

static void a_site_that_is_new_has_grown_from_nothing(void **state)
{
    struct live_model model = {0};
    struct snapshot snapshot = look(1);
    (void)state;
    assert_int_equal(live_update(&model, &snapshot, SECOND), 0);
    snapshot = look(3);
    allocate(2, 3, 10);
    assert_int_equal(live_update(&model, &snapshot, 2 * SECOND), 0);
    assert_int_equal(model.rows[2].growth_bytes, 30);
    assert_int_equal(model.rows[2].rate_calls, 3);
    live_free(&model);
}

static void a_counter_that_seems_to_fall_is_no_rate(void **state)
{
    struct live_model model = {0};
    struct snapshot snapshot = look(2);
    (void)state;
    allocate(1, 5, 10);
    assert_int_equal(live_update(&model, &snapshot, SECOND), 0);
    sites[1].figures.allocs = 4;
    sites[1].figures.alloc_bytes = 40;
    assert_int_equal(live_update(&model, &snapshot, 2 * SECOND), 0);
    assert_int_equal(model.rows[1].rate_calls, 0);
    assert_int_equal(model.rows[1].rate_bytes, 0);
    live_free(&model);
}

static void rows_are_those_of_the_domain_by_the_key_that_have_something_of_it(void **state)
{
    struct live_model model = {0};
    struct snapshot snapshot = look(4);
    const struct live_row *order[4];
    (void)state;
    sites[3].domain = MTF_DOMAIN_MAPPINGS;
    allocate(0, 1, 100);
    allocate(1, 5, 10);
    allocate(3, 1, 4096);
    assert_int_equal(live_update(&model, &snapshot, SECOND), 0);
    allocate(2, 7, 1);
    release(0, 1, 50);
    assert_int_equal(live_update(&model, &snapshot, 2 * SECOND), 0);

    assert_int_equal(live_order(&model, &snapshot, LIVE_BYTES, MTF_DOMAIN_HEAP, order), 3);
    assert_int_equal(order[0]->site, 0); /* 50 bytes, as site 1: the lower number first */
    assert_int_equal(order[1]->site, 1);
    assert_int_equal(live_order(&model, &snapshot, LIVE_BLOCKS, MTF_DOMAIN_HEAP, order), 2);
    assert_int_equal(order[0]->site, 2);
    assert_int_equal(live_order(&model, &snapshot, LIVE_GROWTH, MTF_DOMAIN_HEAP, order), 2);
    assert_int_equal(order[0]->site, 2);
    assert_int_equal(order[1]->site, 0); /* it shrank: last */
    assert_int_equal(live_order(&model, &snapshot, LIVE_RATE, MTF_DOMAIN_HEAP, order), 1);
    assert_int_equal(live_order(&model, &snapshot, LIVE_CALLS, MTF_DOMAIN_HEAP, order), 1);
    assert_int_equal(order[0]->site, 2);
    assert_int_equal(live_order(&model, &snapshot, LIVE_BYTES, MTF_DOMAIN_MAPPINGS, order), 1);
    assert_int_equal(order[0]->site, 3);
    live_free(&model);
}

static void keys_have_names(void **state)
{
    enum live_key key;
    (void)state;
    for (int i = 0; i < LIVE_KEY_LIMIT; i++) {
        assert_true(live_key_parse(live_key_name((enum live_key)i), &key));
        assert_int_equal(key, i);
    }
    assert_false(live_key_parse("size", &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(growth_counts_from_the_mark_and_rates_from_look_to_look, begin),
        cmocka_unit_test_setup(a_site_that_is_new_has_grown_from_nothing, begin),
        cmocka_unit_test_setup(a_counter_that_seems_to_fall_is_no_rate, begin),
        cmocka_unit_test_setup(rows_are_those_of_the_domain_by_the_key_that_have_something_of_it,
                               begin),
        cmocka_unit_test(keys_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
