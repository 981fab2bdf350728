#include "gate/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t bytes_of(const char *value)
{
    struct limits limits = {0};
    const char *wrong = limit_set(&limits, LIMIT_PEAK, value);
    if (wrong != NULL)
        fail_msg("%s: %s", value, wrong);
    assert_true(limits.given[LIMIT_PEAK]);
    return limits.values[LIMIT_PEAK];
}

static bool is_refused(enum limit limit, const char *value)
{
    struct limits limits = {0};
    return limit_set(&limits, limit, value) != NULL && !limits.given[limit];
}

static void bytes_have_units_of_1024(void **state)
{
    (void)state;
    assert_int_equal(bytes_of("0"), 0);
    assert_int_equal(bytes_of("4096"), 4096);
    assert_int_equal(bytes_of("4096B"), 4096);
    assert_int_equal(bytes_of("64K"), 65536);
    assert_int_equal(bytes_of("64KiB"), 65536);
    assert_int_equal(bytes_of("2mB"), 2097152);
    assert_int_equal(bytes_of("3G"), UINT64_C(3221225472));
    assert_int_equal(bytes_of("1T"), UINT64_C(1099511627776));
    assert_int_equal(bytes_of("18446744073709551615"), UINT64_MAX);
}

static void what_is_no_limit_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "x", "-1", " 1", "1 K", "1KK", "1X", "1.5M", "18446744073709551616", "16777216T",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_true(is_refused(LIMIT_LOST, wrong[i]));
    assert_true(is_refused(LIMIT_ALLOCS, "1K"));
    assert_false(is_refused(LIMIT_ALLOCS, "1000"));
}

static void a_limit_that_was_not_given_is_never_exceeded(void **state)
{
    struct limits limits = {0};
    (void)state;
    assert_false(limit_exceeded(&limits, LIMIT_LOST, UINT64_MAX));
    assert_null(limit_set(&limits, LIMIT_LOST, "10"));
    assert_false(limit_exceeded(&limits, LIMIT_LOST, 10));
    assert_true(limit_exceeded(&limits, LIMIT_LOST, 11));
    assert_false(limit_exceeded(&limits, LIMIT_PEAK, 11));
}

static void a_rule_is_a_pattern_and_limits(void **state)
{
    struct limit_rule rule;
    (void)state;
    assert_null(limit_rule_parse(&rule, "ns::parse*: lost=0, peak=64K\tallocs=3"));
    assert_string_equal(rule.pattern, "ns::parse*");
    assert_true(rule.limits.given[LIMIT_LOST] && rule.limits.given[LIMIT_ALLOCS]);
    assert_int_equal(rule.limits.values[LIMIT_PEAK], 65536);
    assert_false(rule.limits.given[LIMIT_TOTAL]);
    free(rule.pattern);
    assert_non_null(limit_rule_parse(&rule, "parse"));
    assert_non_null(limit_rule_parse(&rule, "parse:"));
    assert_non_null(limit_rule_parse(&rule, "parse: "));
    assert_non_null(limit_rule_parse(&rule, ": lost=0"));
    assert_non_null(limit_rule_parse(&rule, "parse: lost"));
    assert_non_null(limit_rule_parse(&rule, "parse: loss=0"));
    assert_non_null(limit_rule_parse(&rule, "parse: lost=x"));
    assert_null(rule.pattern);
}

static bool fits(const char *pattern, const struct trace_frame *frame)
{
    struct trace *trace = calloc(1, sizeof *trace + sizeof *frame);
    const struct limit_rule rule = {.pattern = (char *)(uintptr_t)pattern};
    assert_non_null(trace);
    trace->count = 1;
    trace->frames[0] = *frame;
    bool fit = limit_rule_fits_trace(&rule, trace);
    trace_free(trace);
    return fit;
}

static void a_pattern_fits_functions_files_and_modules(void **state)
{
    const struct trace_frame frame = {.function = "ns::parse(char const*)",
                                      .linkage = "_ZN2ns5parseEPKc",
                                      .file = "/src/lib/parse.cc",
                                      .module = "/usr/lib/libparse.so.1"};
    const struct trace_frame unknown = {.offset = 17};
    (void)state;
    assert_true(fits("ns::parse", &frame));
    assert_true(fits("ns::parse(char const*)", &frame));
    assert_true(fits("_ZN2ns*", &frame));
    assert_true(fits("parse.cc", &frame));
    assert_true(fits("/src/*/parse.??", &frame));
    assert_true(fits("libparse.so*", &frame));
    assert_false(fits("parse", &frame));
    assert_false(fits("ns::parse(int)", &frame));
    assert_false(fits("*", &unknown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_have_units_of_1024),
        cmocka_unit_test(what_is_no_limit_is_refused),
        cmocka_unit_test(a_limit_that_was_not_given_is_never_exceeded),
        cmocka_unit_test(a_rule_is_a_pattern_and_limits),
        cmocka_unit_test(a_pattern_fits_functions_files_and_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
