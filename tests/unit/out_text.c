#include "out_text.h"
#include "fake_names.h"
#include "golden.h"
#include "leaks/leak_record.h"
#include "make_report.h"
#include "summary.h"
#include "tree_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct out_text_options plain = {.sort = FIGURES_KEY_LIMIT, .top = 10};

/* What out_text prints for a report, which is used up. */
static char *print(struct make_report *report, const struct out_text_options *options)
{
    char message[SNAPSHOT_MESSAGE_SIZE], *text = NULL;
    struct snapshot *snapshot;
    size_t size, length;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    assert_int_equal(snapshot_parse(bytes, size, &snapshot, message, sizeof message), 0);
    make_report_free(report);
    struct frames *frames = frames_open(snapshot, &fake_names);
    FILE *out = open_memstream(&text, &length);
    assert_non_null(frames);
    assert_non_null(out);
    assert_int_equal(out_text(out, snapshot, frames, options), 0);
    fclose(out);
    frames_close(frames);
    snapshot_free(snapshot);
    return text;
}

static void expect_golden(struct make_report *report, const struct out_text_options *options,
                          const char *name)
{
    char *text = print(report, options);
    assert_true(golden_matches(name, text));
    free(text);
}

static void expect_words(struct make_report *report, const char *words)
{
    char *text = print(report, &plain);
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in:\n%s", words, text);
    free(text);
}

static void a_report_has_a_verdict_and_five_sections(void **state)
{
    (void)state;
    expect_golden(make_report_sample(), &plain, "sample.txt");
}

static void full_shows_every_frame(void **state)
{
    (void)state;
    const struct out_text_options options = {.sort = FIGURES_TOTAL, .top = 10, .full = true};
    expect_golden(make_report_sample(), &options, "sample-full.txt");
}

static void rows_may_be_functions_or_modules(void **state)
{
    (void)state;
    struct out_text_options options = {.sort = FIGURES_LIVE, .by = AGGREGATE_FUNCTION};
    expect_golden(make_report_sample(), &options, "sample-by-function.txt");
    options.by = AGGREGATE_MODULE;
    options.sort = FIGURES_CALLS;
    expect_golden(make_report_sample(), &options, "sample-by-module.txt");
}

static void colour_marks_the_verdict(void **state)
{
    (void)state;
    const struct out_text_options options = {.sort = FIGURES_LIVE, .top = 1, .color = true};
    expect_golden(make_report_sample(), &options, "sample-color.txt");
}

/* Everything that can be said of a process at once. */
static struct make_report *troubled(void)
{
    struct make_report *report = make_report_sample();
    struct mtf_header *header = make_report_header(report);
    header->state = MTF_STATE_RUNNING;
    header->flags = MTF_FLAG_FORKED | MTF_FLAG_WAITED | MTF_FLAG_NEXT_ALLOCATOR;
    header->wait_status = 9;
    header->next_allocator = make_report_name(report, "/usr/lib/libjemalloc.so.2", 25);
    header->totals.lost[MTF_LOST_NESTED] = 2;
    header->totals.lost[MTF_LOST_SITE] = 1234;
    header->totals.foreign_frees = 1;
    header->totals.boot_allocs = 5;
    header->totals.peak_error = 4096;
    struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, 1);
    site->inherited_blocks = 4;
    site->inherited_bytes = 400;
    return report;
}

/* Definite, possible and so on, as bits of leak_kind_bit. */
static struct out_text_options leak_options(const char *kinds)
{
    struct out_text_options options = {.sort = FIGURES_KEY_LIMIT, .leaks = true};
    assert_true(leak_kinds_parse(kinds, &options.kinds));
    return options;
}

static void leaks_are_said_in_valgrinds_words(void **state)
{
    (void)state;
    struct out_text_options options = leak_options("definite,possible");
    expect_golden(make_report_leaky(), &options, "leaky.txt");
    options = leak_options("all");
    options.full = true;
    expect_golden(make_report_leaky(), &options, "leaky-all.txt");
}

static void without_a_check_nothing_is_called_a_leak(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    make_report_header(report)->state = MTF_STATE_RUNNING;
    expect_words(report, "Leaks: still allocated, unclassified: the process was killed, or "
                         "crashed, before its end");
    const struct mtf_check check = {.failure = MTF_CHECK_OFF};
    report = make_report_sample();
    make_report_add(report, MTF_KIND_CHECKS, &check);
    expect_words(report, "Leaks: still allocated, unclassified: the program has turned it off");
}

static void what_is_measured_has_sections(void **state)
{
    (void)state;
    struct out_text_options options = {.sort = FIGURES_KEY_LIMIT, .top = 10};
    assert_true(
        section_parse("calls,phases,timeline,sizes,lifetimes,slack,moved,elsewhere,alignment",
                      &options.sections));
    expect_golden(make_report_measured(), &options, "measured.txt");
    assert_false(section_parse("calls,nothing", &options.sections));
}

static void trees_are_printed_in_both_directions(void **state)
{
    (void)state;
    const struct out_text_options options = {
        .sort = FIGURES_TOTAL, .top = 10, .trees = TREE_TEXT_DOWN | TREE_TEXT_UP};
    expect_golden(make_report_leaky(), &options, "tree.txt");
}

static void checks_on_the_way_say_who_asked(void **state)
{
    (void)state;
    struct make_report *report = make_report_leaky();
    struct mtf_check check = {.trigger = MTF_CHECK_SCOPE,
                              .at_ns = 2000000000,
                              .label = make_report_name(report, "request", 7)};
    const struct mtf_loss loss = {
        .check = 1, .site = 1, .kind = MTF_LEAK_REACHABLE, .blocks = 2, .bytes = 64};
    make_report_add(report, MTF_KIND_CHECKS, &check);
    make_report_add(report, MTF_KIND_LOSSES, &loss);
    char *text = print(report, &plain);
    assert_non_null(strstr(text,
                           "Leaks at the end of a scope (request), 2.000 s after the start: 1 "
                           "loss record"));
    assert_non_null(strstr(text, "64 bytes in 2 blocks are still reachable in loss record 1 of 1"));
    free(text);
}

static void losses_come_first(void **state)
{
    (void)state;
    const struct out_text_options options = {.sort = FIGURES_TEMPORARY, .top = 1};
    expect_golden(troubled(), &options, "troubled.txt");
}

static void no_leak_is_said_in_one_line(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, 1);
    site->frees = site->allocs;
    site->freed_bytes = site->alloc_bytes;
    make_report_seal(report);
    char *text = print(report, &plain);
    const char *expected = "demo: no leak: nothing is still allocated\n";
    assert_memory_equal(text, expected, strlen(expected));
    assert_null(strstr(text, "Still allocated"));
    free(text);
}

static void a_block_of_no_bytes_is_still_allocated(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, 1);
    site->alloc_bytes = site->freed_bytes = 0;
    make_report_seal(report);
    expect_words(report, "demo: 0 bytes in 3 blocks still allocated at the end");
}

static void without_a_leak_but_with_losses_it_does_not_say_no_leak(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    make_report_header(report)->totals.lost[MTF_LOST_LIVE] = 1;
    expect_words(report, "nothing known is still allocated, but events were missed");
}

static void a_program_with_its_own_malloc_is_not_called_clean(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    make_report_header(report)->flags = MTF_FLAG_OWN_MALLOC;
    expect_words(report, "nothing was tracked: the program brings its own malloc");
}

static void a_damaged_file_is_not_trusted(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    make_report_header(report)->totals.sealed_allocs++;
    expect_words(report, "the file contradicts itself");
}

static void every_end_has_its_words(void **state)
{
    (void)state;
    static const char *const words[MTF_END_LIMIT] = {
        [MTF_END_NONE] = "ended after",
        [MTF_END_EXIT] = "exited after",
        [MTF_END_QUICK_EXIT] = "left by quick_exit after",
        [MTF_END_UNDERSCORE_EXIT] = "left by _exit after",
        [MTF_END_ABORT] = "aborted after",
        [MTF_END_SIGNAL] = "killed by a signal after",
        [MTF_END_EXEC] = "became another program by exec",
    };
    for (uint32_t kind = 0; kind < MTF_END_LIMIT; kind++) {
        struct make_report *report = make_report_new();
        make_report_header(report)->end_kind = kind;
        expect_words(report, words[kind]);
    }
}

static void a_deep_stack_is_shortened_in_the_middle(void **state)
{
    (void)state;
    const struct out_text_options options = {.sort = FIGURES_TOTAL, .top = 1};
    expect_golden(make_report_large(1, 100), &options, "deep.txt");
}

static void hostile_names_cannot_steer_the_terminal(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    uint32_t module = make_report_module(report, "/tmp/\033]0;x\007lib.so", 0);
    uint32_t node = make_report_node(report, 0, module, FAKE_HOSTILE, 0);
    make_report_count(report, make_report_site(report, node), 1, 0, 1);
    make_report_header(report)->program = make_report_name(report, "a\nb\033[2J\xc2\x9b", 9);
    make_report_seal(report);
    char *text = print(report, &plain);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\007'));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_non_null(strstr(text, "a\\x0ab\\x1b[2J"));
    assert_non_null(strstr(text, "bad\\x1b[31m"));
    free(text);
}

static void the_same_report_is_printed_the_same_way(void **state)
{
    (void)state;
    char *first = print(make_report_large(300, 9), &plain);
    char *second = print(make_report_large(300, 9), &plain);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void top_limits_rows_and_zero_does_not(void **state)
{
    (void)state;
    struct out_text_options options = {.sort = FIGURES_CALLS, .top = 3};
    char *text = print(make_report_large(40, 4), &options);
    assert_non_null(strstr(text, "Most calls: the first 3 of 40 call sites"));
    assert_non_null(strstr(text, "  [3] "));
    assert_null(strstr(text, "  [4] "));
    free(text);
    options.top = 0;
    text = print(make_report_large(40, 4), &options);
    assert_non_null(strstr(text, "  [40] "));
    free(text);
}

static void a_stream_that_fails_is_an_error(void **state)
{
    (void)state;
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    size_t size;
    struct make_report *report = make_report_sample();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    assert_int_equal(snapshot_parse(bytes, size, &snapshot, message, sizeof message), 0);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_true(summary_print(full, snapshot, false) < 0);
    fclose(full);
    snapshot_free(snapshot);
    make_report_free(report);
}

static int use_utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    tzset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_has_a_verdict_and_five_sections),
        cmocka_unit_test(full_shows_every_frame),
        cmocka_unit_test(rows_may_be_functions_or_modules),
        cmocka_unit_test(colour_marks_the_verdict),
        cmocka_unit_test(leaks_are_said_in_valgrinds_words),
        cmocka_unit_test(without_a_check_nothing_is_called_a_leak),
        cmocka_unit_test(what_is_measured_has_sections),
        cmocka_unit_test(trees_are_printed_in_both_directions),
        cmocka_unit_test(checks_on_the_way_say_who_asked),
        cmocka_unit_test(losses_come_first),
        cmocka_unit_test(no_leak_is_said_in_one_line),
        cmocka_unit_test(a_block_of_no_bytes_is_still_allocated),
        cmocka_unit_test(without_a_leak_but_with_losses_it_does_not_say_no_leak),
        cmocka_unit_test(a_program_with_its_own_malloc_is_not_called_clean),
        cmocka_unit_test(a_damaged_file_is_not_trusted),
        cmocka_unit_test(every_end_has_its_words),
        cmocka_unit_test(a_deep_stack_is_shortened_in_the_middle),
        cmocka_unit_test(hostile_names_cannot_steer_the_terminal),
        cmocka_unit_test(the_same_report_is_printed_the_same_way),
        cmocka_unit_test(top_limits_rows_and_zero_does_not),
        cmocka_unit_test(a_stream_that_fails_is_an_error),
    };
    return cmocka_run_group_tests(tests, use_utc, NULL);
}
