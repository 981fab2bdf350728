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
    if (strstr(message, words) == NULL)
        fail_msg("'%s' is not about %s", message, words);
}

static uint32_t add_check(struct make_report *report, uint32_t trigger, uint32_t failure)
{
    struct mtf_check check = {.trigger = trigger, .failure = failure, .threads = 1};
    check.blocks[MTF_LEAK_DEFINITE] = 1;
    return make_report_add(report, MTF_KIND_CHECKS, &check);
}

static void add_loss(struct make_report *report, uint32_t check, uint32_t site, uint32_t example)
{
    struct mtf_loss loss = {.check = check,
                            .site = site,
                            .kind = MTF_LEAK_DEFINITE,
                            .example = example,
                            .blocks = 1,
                            .bytes = 100 + site};
    make_report_add(report, MTF_KIND_LOSSES, &loss);
}

/* Blocks of two sites, in the file not in the order of their sites. */
static struct make_report *two_sites(void)
{
    struct make_report *report = make_report_new();
    for (uint32_t i = 1; i <= 2; i++)
        make_report_site(report, make_report_node(report, 0, 0, i, 0));
    make_report_block(
        report,
        &(struct mtf_block){
            .address = 0x20, .site = 2, .sequence = 1, .kind = MTF_LEAK_INDIRECT, .holder = 2});
    make_report_block(
        report,
        &(struct mtf_block){.address = 0x10, .site = 1, .sequence = 2, .kind = MTF_LEAK_DEFINITE});
    return report;
}

static void holders_and_examples_follow_their_blocks(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    uint32_t check = add_check(report, MTF_CHECK_AT_EXIT, MTF_CHECK_COMPLETE);
    add_loss(report, check, 2, 1);
    add_loss(report, check, 1, 2);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->blocks[0].address, 0x10);
    assert_int_equal(snapshot->blocks[1].address, 0x20);
    assert_int_equal(snapshot->blocks[1].holder, 1);
    assert_int_equal(snapshot->losses[0].site, 1);
    assert_int_equal(snapshot->losses[0].example, 1);
    assert_int_equal(snapshot->losses[1].example, 2);
    snapshot_free(snapshot);
}

static void each_check_has_its_own_losses(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    uint32_t first = add_check(report, MTF_CHECK_BY_CLIENT, MTF_CHECK_COMPLETE);
    uint32_t second = add_check(report, MTF_CHECK_AT_EXIT, MTF_CHECK_COMPLETE);
    add_loss(report, second, 1, 0);
    add_loss(report, first, 2, 0);
    add_loss(report, second, 2, 0);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->checks[0].loss_count, 1);
    assert_int_equal(snapshot->checks[1].loss_count, 2);
    assert_int_equal(snapshot->checks[1].first_loss, 1);
    assert_ptr_equal(snapshot_final_check(snapshot), &snapshot->checks[1]);
    snapshot_free(snapshot);
}

static void a_check_without_end_has_no_losses(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    add_loss(report, add_check(report, MTF_CHECK_AT_EXIT, MTF_CHECK_RUNNING), 1, 0);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->checks[0].failure, MTF_CHECK_RUNNING);
    assert_int_equal(snapshot->checks[0].loss_count, 0);
    assert_int_equal(snapshot->loss_count, 0);
    snapshot_free(snapshot);
}

static void a_check_on_the_way_speaks_only_for_a_process_without_end(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    add_check(report, MTF_CHECK_BY_SIGNAL, MTF_CHECK_COMPLETE);
    add_check(report, MTF_CHECK_SCOPE, MTF_CHECK_COMPLETE);
    struct snapshot *snapshot = parse(report);
    assert_null(snapshot_final_check(snapshot));
    snapshot->state = SNAPSHOT_KILLED;
    assert_ptr_equal(snapshot_final_check(snapshot), &snapshot->checks[0]);
    snapshot_free(snapshot);
}

static void sites_of_each_domain_have_sums_of_their_own(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    make_report_count(report, 1, 3, 1, 10);
    make_report_count(report, 2, 2, 1, 4096);
    ((struct mtf_site *)make_report_record(report, MTF_KIND_SITES, 2))->domain =
        MTF_DOMAIN_MAPPINGS;
    make_report_seal(report);
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->totals.live_bytes, 20);
    assert_int_equal(snapshot->mapped.live_bytes, 4096);
    assert_int_equal(snapshot->pooled.allocs, 0);
    assert_false(snapshot->sums_differ);
    snapshot_free(snapshot);
}

static void references_behind_a_table_are_refused(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    add_loss(report, add_check(report, MTF_CHECK_AT_EXIT, MTF_CHECK_COMPLETE), 1, 0);
    struct mtf_loss *loss = make_report_record(report, MTF_KIND_LOSSES, 0);
    loss->check = 1;
    expect_refusal(report, "loss record 0");
    loss->check = 0;
    loss->site = 3;
    expect_refusal(report, "loss record 0");
    loss->site = 1;
    loss->kind = MTF_LEAK_LIMIT;
    expect_refusal(report, "loss record 0");
    loss->kind = MTF_LEAK_DEFINITE;
    ((struct mtf_check *)make_report_record(report, MTF_KIND_CHECKS, 0))->failure = 99;
    expect_refusal(report, "leak check 0");
    ((struct mtf_block *)make_report_record(report, MTF_KIND_BLOCKS, 1))->kind = 99;
    expect_refusal(report, "block 1");
    make_report_free(report);
}

static void an_example_behind_the_blocks_is_none(void **state)
{
    (void)state;
    struct make_report *report = two_sites();
    add_loss(report, add_check(report, MTF_CHECK_AT_EXIT, MTF_CHECK_COMPLETE), 1, 99);
    ((struct mtf_block *)make_report_record(report, MTF_KIND_BLOCKS, 0))->holder = UINT32_MAX;
    struct snapshot *snapshot = parse(report);
    assert_int_equal(snapshot->losses[0].example, 0);
    assert_int_equal(snapshot->blocks[1].holder, 0);
    snapshot_free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holders_and_examples_follow_their_blocks),
        cmocka_unit_test(each_check_has_its_own_losses),
        cmocka_unit_test(a_check_without_end_has_no_losses),
        cmocka_unit_test(a_check_on_the_way_speaks_only_for_a_process_without_end),
        cmocka_unit_test(sites_of_each_domain_have_sums_of_their_own),
        cmocka_unit_test(references_behind_a_table_are_refused),
        cmocka_unit_test(an_example_behind_the_blocks_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
