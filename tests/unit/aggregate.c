#include "aggregate.h"
#include "fake_names.h"
#include "make_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A report, its model, and rows of it. */
struct fixture {
    struct make_report *report;
    struct snapshot *snapshot;
    struct frames *frames;
    struct aggregate aggregate;
};

static void begin(struct fixture *fixture, struct make_report *report, enum aggregate_by by)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    fixture->report = report;
    assert_int_equal(snapshot_parse(bytes, size, &fixture->snapshot, message, sizeof message), 0);
    fixture->frames = frames_open(fixture->snapshot, &fake_names);
    assert_non_null(fixture->frames);
    assert_int_equal(aggregate_build(&fixture->aggregate, fixture->snapshot, fixture->frames, by,
                                     MTF_DOMAIN_HEAP),
                     0);
}

static void end(struct fixture *fixture)
{
    aggregate_free(&fixture->aggregate);
    frames_close(fixture->frames);
    snapshot_free(fixture->snapshot);
    make_report_free(fixture->report);
}

/* The row of a function, or NULL. */
static const struct aggregate_row *row_of(const struct fixture *fixture, const char *function)
{
    for (size_t i = 0; i < fixture->aggregate.count; i++) {
        const char *name = fixture->aggregate.rows[i].self.name->function;
        if (name != NULL && strcmp(name, function) == 0)
            return &fixture->aggregate.rows[i];
    }
    return NULL;
}

static void rows_by_site_are_the_sites(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, make_report_sample(), AGGREGATE_SITE);
    assert_int_equal(fixture.aggregate.count, 4);
    assert_int_equal(fixture.aggregate.rows[2].site, 2);
    assert_int_equal(fixture.aggregate.rows[2].figures.temporary, 40);
    end(&fixture);
}

static void rows_of_every_kind_sum_up_to_the_totals(void **state)
{
    (void)state;
    for (int by = 0; by < AGGREGATE_BY_LIMIT; by++) {
        struct fixture fixture;
        struct figures sum = {0};
        begin(&fixture, make_report_large(500, 10), (enum aggregate_by)by);
        for (size_t i = 0; i < fixture.aggregate.count; i++)
            figures_add(&sum, &fixture.aggregate.rows[i].figures);
        sum.peak_bytes = fixture.snapshot->totals.peak_bytes;
        sum.peak_blocks = fixture.snapshot->totals.peak_blocks;
        assert_memory_equal(&sum, &fixture.snapshot->totals, sizeof sum);
        end(&fixture);
    }
}

static void a_site_counts_for_its_innermost_function_that_is_not_folded(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, make_report_sample(), AGGREGATE_FUNCTION);
    assert_null(row_of(&fixture, "operator new(unsigned long)"));
    const struct aggregate_row *fill =
        row_of(&fixture, "fill(std::vector<int, std::allocator<int> >&)");
    assert_non_null(fill);
    assert_int_equal(fill->figures.allocs, 60);
    assert_non_null(row_of(&fixture, "leak_here"));
    assert_null(row_of(&fixture, "main"));
    end(&fixture);
}

/* Two sites of one function, and a third one where all frames are folded. */
static struct make_report *three_sites(void)
{
    struct make_report *report = make_report_new();
    uint32_t demo = make_report_module(report, "/home/me/demo", MTF_MODULE_PROGRAM);
    uint32_t again = make_report_module(report, "/home/me/demo", MTF_MODULE_PROGRAM);
    uint32_t main_node = make_report_node(report, 0, demo, FAKE_MAIN, 0);
    uint32_t first = make_report_node(report, main_node, demo, FAKE_LEAK, 0);
    uint32_t second = make_report_node(report, 0, again, FAKE_LEAK, 0);
    uint32_t folded = make_report_node(report, 0, demo, FAKE_START, 0);
    folded = make_report_node(report, folded, demo, FAKE_NEW, 0);
    make_report_count(report, make_report_site(report, first), 2, 0, 10);
    make_report_count(report, make_report_site(report, second), 3, 0, 20);
    make_report_count(report, make_report_site(report, folded), 4, 0, 30);
    make_report_seal(report);
    return report;
}

static void a_module_that_was_loaded_twice_is_one(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, three_sites(), AGGREGATE_FUNCTION);
    const struct aggregate_row *row = row_of(&fixture, "leak_here");
    assert_non_null(row);
    assert_int_equal(row->sites, 2);
    assert_int_equal(row->figures.live_bytes, 80);
    end(&fixture);
    begin(&fixture, three_sites(), AGGREGATE_MODULE);
    assert_int_equal(fixture.aggregate.count, 2);
    end(&fixture);
}

static void a_stack_never_folds_to_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct frame_stack stack = {0};
    begin(&fixture, three_sites(), AGGREGATE_FUNCTION);
    assert_non_null(row_of(&fixture, "operator new(unsigned long)"));
    assert_int_equal(frames_stack(fixture.frames, fixture.snapshot->sites[3].node, &stack), 0);
    assert_int_equal(stack.count, 2);
    assert_false(frame_stack_hides(&stack, &stack.frames[0]));
    assert_false(frame_stack_hides(&stack, &stack.frames[1]));
    frame_stack_free(&stack);
    end(&fixture);
}

static void rows_come_in_falling_order_of_each_key(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, make_report_large(700, 6), AGGREGATE_SITE);
    const struct aggregate_row **order = calloc(fixture.aggregate.count, sizeof(void *));
    assert_non_null(order);
    for (int key = 0; key < FIGURES_KEY_LIMIT; key++) {
        size_t count = aggregate_order(&fixture.aggregate, (enum figures_key)key, false, order);
        for (size_t i = 1; i < count; i++)
            assert_true(figures_value(&order[i - 1]->figures, (enum figures_key)key) >=
                        figures_value(&order[i]->figures, (enum figures_key)key));
        assert_int_equal(aggregate_order(&fixture.aggregate, (enum figures_key)key, true, order),
                         fixture.aggregate.count);
    }
    free(order);
    end(&fixture);
}

static void rows_with_nothing_of_a_key_are_left_out(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct aggregate_row *order[4];
    begin(&fixture, make_report_sample(), AGGREGATE_SITE);
    assert_int_equal(aggregate_order(&fixture.aggregate, FIGURES_LIVE, false, order), 1);
    assert_int_equal(order[0]->site, 1);
    assert_int_equal(aggregate_order(&fixture.aggregate, FIGURES_CALLS, false, order), 3);
    assert_int_equal(order[0]->site, 2);
    end(&fixture);
}

static void an_address_is_looked_up_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct frame_stack stack = {0};
    fake_names_asked = 0;
    begin(&fixture, make_report_sample(), AGGREGATE_SITE);
    for (int round = 0; round < 3; round++) {
        for (uint32_t site = 0; site < fixture.snapshot->site_count; site++)
            assert_int_equal(
                frames_stack(fixture.frames, fixture.snapshot->sites[site].node, &stack), 0);
    }
    assert_int_equal(fake_names_asked, 8);
    frame_stack_free(&stack);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_site_are_the_sites),
        cmocka_unit_test(rows_of_every_kind_sum_up_to_the_totals),
        cmocka_unit_test(a_site_counts_for_its_innermost_function_that_is_not_folded),
        cmocka_unit_test(a_module_that_was_loaded_twice_is_one),
        cmocka_unit_test(a_stack_never_folds_to_nothing),
        cmocka_unit_test(rows_come_in_falling_order_of_each_key),
        cmocka_unit_test(rows_with_nothing_of_a_key_are_left_out),
        cmocka_unit_test(an_address_is_looked_up_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
