#include "out_json.h"
#include "fake_names.h"
#include "golden.h"
#include "json_text.h"
#include "make_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define VALIDATE                                                                                   \
    "tests/support/validate_json.py report/schema/report-1.json || "                               \
    "{ s=$?; [ $s = 77 ] && exec /usr/bin/python3 tests/support/validate_json.py "                 \
    "report/schema/report-1.json; exit $s; }"

/* What is printed for a report, which is used up. */
static char *print(struct make_report *report, const struct out_json_options *options)
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
    assert_int_equal(out_json_begin(out), 0);
    assert_int_equal(out_json_report(out, snapshot, frames, options, true), 0);
    assert_int_equal(out_json_end(out), 0);
    fclose(out);
    frames_close(frames);
    snapshot_free(snapshot);
    return text;
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("%s in line %d of:\n%s", error.text, error.line, text);
    return root;
}

static json_t *first_report(json_t *root)
{
    json_t *report = json_array_get(json_object_get(root, "reports"), 0);
    assert_non_null(report);
    return report;
}

static json_t *at(json_t *object, const char *outer, const char *inner)
{
    json_t *value = json_object_get(json_object_get(object, outer), inner);
    assert_non_null(value);
    return value;
}

static void the_sample_is_printed_as_it_always_was(void **state)
{
    (void)state;
    const struct out_json_options options = {.sort = FIGURES_LIVE};
    char *text = print(make_report_sample(), &options);
    assert_true(golden_matches("sample.json", text));
    free(text);
}

static void leak_checks_are_printed_with_their_loss_records(void **state)
{
    (void)state;
    const struct out_json_options options = {.sort = FIGURES_LIVE};
    char *text = print(make_report_leaky(), &options);
    assert_true(golden_matches("leaky.json", text));
    free(text);
}

static void figures_are_integers_and_stacks_refer_to_frames(void **state)
{
    (void)state;
    const struct out_json_options options = {.sort = FIGURES_CALLS};
    char *text = print(make_report_sample(), &options);
    json_t *root = parse(text), *report = first_report(root);
    assert_int_equal(json_integer_value(at(report, "totals", "live_bytes")), 4500);
    assert_int_equal(json_integer_value(at(report, "end", "status")), 3);
    json_t *site = json_array_get(json_object_get(report, "sites"), 0);
    assert_int_equal(json_integer_value(json_object_get(site, "id")), 2);
    assert_string_equal(json_string_value(at(site, "self", "function")),
                        "fill(std::vector<int, std::allocator<int> >&)");
    json_t *innermost = json_array_get(json_object_get(site, "stack"), 0);
    json_t *frame =
        json_array_get(json_object_get(report, "frames"), (size_t)json_integer_value(innermost));
    assert_string_equal(json_string_value(json_object_get(frame, "function")),
                        "operator new(unsigned long)");
    assert_true(json_is_true(json_object_get(frame, "folded")));
    json_decref(root);
    free(text);
}

static void all_sites_are_there_unless_top_says_otherwise(void **state)
{
    (void)state;
    struct out_json_options options = {.sort = FIGURES_LIVE};
    char *text = print(make_report_large(50, 6), &options);
    json_t *root = parse(text);
    assert_int_equal(json_array_size(json_object_get(first_report(root), "sites")), 51);
    json_decref(root);
    free(text);
    options.top = 7;
    text = print(make_report_large(50, 6), &options);
    root = parse(text);
    assert_int_equal(json_array_size(json_object_get(first_report(root), "sites")), 7);
    json_decref(root);
    free(text);
}

/* Names that are not UTF-8, numbers that do not fit, a state that is not the usual one. */
static struct make_report *hostile(void)
{
    struct make_report *report = make_report_new();
    struct mtf_header *header = make_report_header(report);
    uint32_t module = make_report_module(report, "/tmp/\xff\xc0\x80\xed\xa0\x80.so", 0);
    uint32_t node = make_report_node(report, 0, module, FAKE_HOSTILE, 0);
    uint32_t site = make_report_site(report, node);
    struct mtf_site *record = make_report_record(report, MTF_KIND_SITES, site);
    record->allocs = record->alloc_bytes = UINT64_MAX;
    header->program = make_report_name(report, "a\0\"\\\n\xf4\x90\x80\x80", 9);
    header->arguments = make_report_name(report, "\0\0\xfe", 3);
    header->run_id = UINT64_MAX;
    header->depth_limit = header->sample_limit = UINT32_MAX;
    header->start_time_ns = INT64_MIN;
    header->elapsed_ns = UINT64_MAX;
    header->flags = MTF_FLAG_WAITED | MTF_FLAG_FORKED;
    header->wait_status = 139;
    return report;
}

static void hostile_strings_and_numbers_still_give_json(void **state)
{
    (void)state;
    const struct out_json_options options = {.sort = FIGURES_LIVE, .by = AGGREGATE_FUNCTION};
    char *text = print(hostile(), &options);
    json_error_t error;
    json_t *root = json_loads(text, JSON_ALLOW_NUL, &error);
    assert_non_null(root);
    json_t *report = first_report(root);
    assert_true(json_integer_value(at(report, "totals", "live_bytes")) == INT64_MAX);
    assert_int_equal(json_integer_value(at(report, "end", "signal")), 11);
    json_t *module = json_array_get(json_object_get(report, "modules"), 1);
    assert_string_equal(json_string_value(json_object_get(module, "path")),
                        "/tmp/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "\xef\xbf\xbd.so");
    json_decref(root);
    free(text);
}

/* The exit status of the validator. */
static int validate(const char *text)
{
    /* NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): a fixed command of the tests */
    FILE *pipe = popen("python3 " VALIDATE, "w");
    assert_non_null(pipe);
    fputs(text, pipe);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_valid(struct make_report *report, enum aggregate_by by)
{
    const struct out_json_options options = {.sort = FIGURES_LIVE, .by = by};
    char *text = print(report, &options);
    int status = validate(text);
    free(text);
    if (status == 77) {
        print_message("python3-jsonschema is not installed\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void the_output_is_what_the_schema_says(void **state)
{
    (void)state;
    expect_valid(make_report_sample(), AGGREGATE_SITE);
    expect_valid(make_report_sample(), AGGREGATE_FUNCTION);
    expect_valid(make_report_leaky(), AGGREGATE_SITE);
    expect_valid(make_report_large(30, 9), AGGREGATE_MODULE);
    expect_valid(make_report_new(), AGGREGATE_SITE);
    expect_valid(hostile(), AGGREGATE_FUNCTION);
}

static void the_schema_refuses_what_is_not_a_report(void **state)
{
    (void)state;
    const struct out_json_options options = {.sort = FIGURES_LIVE};
    char *text = print(make_report_sample(), &options);
    char *field = strstr(text, "live_bytes");
    assert_non_null(field);
    *field = 'L';
    int status = validate(text);
    free(text);
    if (status == 77)
        skip();
    assert_int_equal(status, 1);
}

static void bytes_that_are_not_utf8_are_replaced_one_by_one(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"plain", "plain"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\x80", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},
        {"\xe2\x82x", "\xef\xbf\xbd\xef\xbf\xbdx"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *string = json_text_string(cases[i].bytes);
        assert_string_equal(json_string_value(string), cases[i].text);
        json_decref(string);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_printed_as_it_always_was),
        cmocka_unit_test(leak_checks_are_printed_with_their_loss_records),
        cmocka_unit_test(figures_are_integers_and_stacks_refer_to_frames),
        cmocka_unit_test(all_sites_are_there_unless_top_says_otherwise),
        cmocka_unit_test(hostile_strings_and_numbers_still_give_json),
        cmocka_unit_test(the_output_is_what_the_schema_says),
        cmocka_unit_test(the_schema_refuses_what_is_not_a_report),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
