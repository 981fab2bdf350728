#include "make_report.h"
#include "snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct snapshot *parse(struct make_report *report)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "";
    struct snapshot *snapshot;
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    if (snapshot_parse(bytes, size, &snapshot, message, sizeof message) != 0)
        fail_msg("%s", message);
    make_report_free(report);
    return snapshot;
}

static void expect_refusal(struct make_report *report, const char *words)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "";
    struct snapshot *snapshot;
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    assert_int_equal(snapshot_parse(bytes, size, &snapshot, message, sizeof message), -EBADMSG);
    assert_null(snapshot);
    if (strstr(message, words) == NULL)
        fail_msg("'%s' is not about %s", message, words);
    make_report_free(report);
}

static void add_point(struct make_report *report, uint64_t at_ns, uint32_t phase)
{
    const struct mtf_point point = {
        .at_ns = at_ns, .heap_bytes = at_ns * 2, .heap_peak_bytes = at_ns * 3, .phase = phase};
    make_report_add(report, MTF_KIND_TIMELINE, &point);
}

static void add_sizes(struct make_report *report, uint32_t count, uint32_t marked)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct mtf_size size = {.allocs = i == marked ? 7 : 0};
        make_report_add(report, MTF_KIND_SIZES, &size);
    }
}

static void a_report_without_measures_has_one_phase_and_nothing_else(void **state)
{
    (void)state;
    struct snapshot *snapshot = parse(make_report_new());
    assert_int_equal(snapshot->point_count, 0);
    assert_int_equal(snapshot->phase_count, 1);
    assert_string_equal(snapshot->phases[0].name.bytes, "");
    assert_int_equal(snapshot->usage_count, 0);
    assert_null(snapshot->sizes);
    assert_null(snapshot_usage(snapshot, 0));
    snapshot_free(snapshot);
}

static void points_name_their_phases(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    struct mtf_phase phase = {.at_ns = 5};
    make_report_add(report, MTF_KIND_PHASES, &phase);
    phase.name = make_report_name(report, "load", 4);
    make_report_add(report, MTF_KIND_PHASES, &phase);
    add_point(report, 10, 0);
    add_point(report, 20, 1);
    add_point(report, 30, 9);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->point_count, 3);
    assert_int_equal(snapshot->points[1].heap_peak_bytes, 60);
    assert_string_equal(snapshot->phases[snapshot->points[1].phase].name.bytes, "load");
    assert_int_equal(snapshot->points[2].phase, 1);
    snapshot_free(snapshot);
}

/* As a merge of points that was killed half-way leaves them. */
static void points_that_stand_twice_are_one(void **state)
{
    (void)state;
    static const uint64_t times[] = {20, 40, 60, 40, 50, 60, 70};
    static const uint64_t kept[] = {20, 40, 60, 70};
    struct make_report *report = make_report_new();
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        add_point(report, times[i], 0);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->point_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(snapshot->points[i].at_ns, kept[i]);
    snapshot_free(snapshot);
}

static void histograms_of_sizes_are_added_up(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    add_sizes(report, MTF_SIZES_COUNT, 24);
    add_sizes(report, MTF_SIZES_COUNT, 24);
    struct snapshot *snapshot = parse(report);
    assert_non_null(snapshot->sizes);
    assert_int_equal(snapshot->sizes[24], 14);
    assert_int_equal(snapshot->sizes[25], 0);
    snapshot_free(snapshot);
}

static void half_a_histogram_is_damage(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    add_sizes(report, 5, 1);
    expect_refusal(report, "histogram of sizes");
}

static void usage_is_found_by_site(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    for (uint32_t i = 1; i <= 3; i++)
        make_report_site(report, make_report_node(report, 0, 0, i, 0));
    const struct mtf_usage third = {.site = 3, .moved_bytes = 30};
    const struct mtf_usage first = {.site = 1, .moved_bytes = 10};
    make_report_add(report, MTF_KIND_USAGE, &third);
    make_report_add(report, MTF_KIND_USAGE, &first);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot_usage(snapshot, 1)->moved_bytes, 10);
    assert_int_equal(snapshot_usage(snapshot, 3)->moved_bytes, 30);
    assert_null(snapshot_usage(snapshot, 2));
    snapshot_free(snapshot);
}

/* A running process may have made it after its sites were read. */
static void usage_of_no_site_is_left_out(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    const struct mtf_usage known = {.site = 0, .moved_bytes = 4};
    const struct mtf_usage unknown = {.site = 77, .moved_bytes = 5};
    make_report_add(report, MTF_KIND_USAGE, &unknown);
    make_report_add(report, MTF_KIND_USAGE, &known);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->usage_count, 1);
    assert_int_equal(snapshot->usages[0].moved_bytes, 4);
    snapshot_free(snapshot);
}

static void buckets_of_sizes_end_where_the_format_says(void **state)
{
    (void)state;
    assert_int_equal(snapshot_size_top(0), 0);
    assert_int_equal(snapshot_size_top(1024), 1024);
    assert_int_equal(snapshot_size_top(MTF_SIZES_EXACT), 1280);
    assert_int_equal(snapshot_size_top(MTF_SIZES_EXACT + 3), 2048);
    assert_int_equal(snapshot_size_top(MTF_SIZES_EXACT + 4), 2560);
    assert_true(snapshot_size_top(MTF_SIZES_COUNT - 1) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_without_measures_has_one_phase_and_nothing_else),
        cmocka_unit_test(points_name_their_phases),
        cmocka_unit_test(points_that_stand_twice_are_one),
        cmocka_unit_test(histograms_of_sizes_are_added_up),
        cmocka_unit_test(half_a_histogram_is_damage),
        cmocka_unit_test(usage_is_found_by_site),
        cmocka_unit_test(usage_of_no_site_is_left_out),
        cmocka_unit_test(buckets_of_sizes_end_where_the_format_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
