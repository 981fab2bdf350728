#include "merge/merge.h"
#include "make_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char message[512];

static struct snapshot *parsed(struct make_report *report)
{
    struct snapshot *snapshot;
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    if (snapshot_parse(bytes, size, &snapshot, message, sizeof message) != 0)
        fail_msg("%s", message);
    make_report_free(report);
    return snapshot;
}

/* Adds all of them, and reads the result. */
static struct snapshot *merged(struct snapshot *const *parts, size_t count)
{
    struct merge merge;
    struct snapshot *result;
    char *file = NULL;
    size_t size = 0;
    merge_begin(&merge);
    for (size_t i = 0; i < count; i++) {
        if (merge_add(&merge, parts[i], message, sizeof message) != 0)
            fail_msg("%s", message);
    }
    assert_int_equal(merge_end(&merge, "memtrack\0merge", 14, "/here"), 0);
    FILE *out = open_memstream(&file, &size);
    assert_non_null(out);
    assert_int_equal(report_build_write(&merge.build, out), 0);
    fclose(out);
    merge_free(&merge);
    if (snapshot_parse(file, size, &result, message, sizeof message) != 0)
        fail_msg("%s", message);
    free(file);
    return result;
}

static void a_report_twice_has_twice_of_everything_at_the_same_sites(void **state)
{
    struct snapshot *part = parsed(make_report_leaky());
    struct snapshot *const parts[] = {part, part};
    struct snapshot *sum = merged(parts, 2);
    (void)state;
    assert_false(sum->sums_differ);
    assert_int_equal(sum->site_count, part->site_count);
    assert_int_equal(sum->node_count, part->node_count);
    assert_int_equal(sum->module_count, part->module_count);
    assert_int_equal(sum->totals.allocs, 2 * part->totals.allocs);
    assert_int_equal(sum->totals.freed_bytes, 2 * part->totals.freed_bytes);
    assert_int_equal(sum->totals.peak_bytes, 2 * part->totals.peak_bytes);
    assert_int_equal(sum->totals.largest, part->totals.largest);
    assert_int_equal(sum->peak_error, part->totals.peak_bytes);
    for (uint32_t i = 0; i < part->site_count; i++) {
        assert_int_equal(sum->sites[i].figures.live_bytes, 2 * part->sites[i].figures.live_bytes);
        assert_int_equal(sum->sites[i].figures.peak_bytes, 2 * part->sites[i].figures.peak_bytes);
    }
    snapshot_free(sum);
    snapshot_free(part);
}

static void leaks_are_added_by_site_and_kind(void **state)
{
    struct snapshot *part = parsed(make_report_leaky());
    struct snapshot *const parts[] = {part, part, part};
    struct snapshot *sum = merged(parts, 3);
    const struct snapshot_check *was = snapshot_final_check(part);
    const struct snapshot_check *is = snapshot_final_check(sum);
    (void)state;
    assert_non_null(is);
    assert_int_equal(is->failure, MTF_CHECK_COMPLETE);
    assert_int_equal(is->loss_count, was->loss_count);
    for (int kind = 0; kind < MTF_LEAK_LIMIT; kind++)
        assert_int_equal(is->bytes[kind], 3 * was->bytes[kind]);
    for (uint32_t i = 0; i < was->loss_count; i++) {
        const struct snapshot_loss *one = &part->losses[was->first_loss + i];
        const struct snapshot_loss *three = &sum->losses[is->first_loss + i];
        assert_int_equal(three->kind, one->kind);
        assert_int_equal(three->blocks, 3 * one->blocks);
        assert_int_equal(three->indirect_bytes, 3 * one->indirect_bytes);
    }
    snapshot_free(sum);
    snapshot_free(part);
}

static void one_process_that_was_killed_makes_the_sum_one_that_was(void **state)
{
    struct make_report *killed = make_report_sample();
    (void)state;
    make_report_header(killed)->state = MTF_STATE_RUNNING;
    struct snapshot *const parts[] = {parsed(make_report_sample()), parsed(killed),
                                      parsed(make_report_sample())};
    struct snapshot *sum = merged(parts, 3);
    assert_int_equal(sum->state, SNAPSHOT_KILLED);
    snapshot_free(sum);
    struct snapshot *const others[] = {parts[0], parts[2]};
    sum = merged(others, 2);
    assert_int_equal(sum->state, SNAPSHOT_ENDED);
    assert_int_equal(sum->end_kind, MTF_END_EXIT);
    assert_string_equal(sum->program.bytes, parts[0]->program.bytes);
    snapshot_free(sum);
    for (int i = 0; i < 3; i++)
        snapshot_free(parts[i]);
}

static void unlike_modules_stay_apart(void **state)
{
    struct make_report *other = make_report_leaky();
    struct mtf_module *module = make_report_record(other, MTF_KIND_MODULES, 1);
    (void)state;
    module->build_id[0] ^= 1;
    struct snapshot *const parts[] = {parsed(make_report_leaky()), parsed(other)};
    struct snapshot *sum = merged(parts, 2);
    assert_int_equal(sum->module_count, parts[0]->module_count + 1);
    assert_true(sum->site_count > parts[0]->site_count);
    assert_int_equal(sum->totals.allocs, 2 * parts[0]->totals.allocs);
    snapshot_free(sum);
    snapshot_free(parts[0]);
    snapshot_free(parts[1]);
}

static void large_reports_are_merged_whole(void **state)
{
    struct snapshot *part = parsed(make_report_large(3000, 30));
    struct snapshot *const parts[] = {part, part};
    struct snapshot *sum = merged(parts, 2);
    (void)state;
    assert_int_equal(sum->site_count, part->site_count);
    assert_int_equal(sum->totals.allocs, 2 * part->totals.allocs);
    snapshot_free(sum);
    snapshot_free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_twice_has_twice_of_everything_at_the_same_sites),
        cmocka_unit_test(leaks_are_added_by_site_and_kind),
        cmocka_unit_test(one_process_that_was_killed_makes_the_sum_one_that_was),
        cmocka_unit_test(unlike_modules_stay_apart),
        cmocka_unit_test(large_reports_are_merged_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
