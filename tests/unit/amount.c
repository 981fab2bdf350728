#include "amount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void digits_come_in_groups_of_three(void **state)
{
    (void)state;
    assert_string_equal(amount_count(0).text, "0");
    assert_string_equal(amount_count(999).text, "999");
    assert_string_equal(amount_count(1000).text, "1,000");
    assert_string_equal(amount_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void one_thing_has_no_plural(void **state)
{
    (void)state;
    assert_string_equal(amount_noun(1, "block").text, "1 block");
    assert_string_equal(amount_noun(0, "block").text, "0 blocks");
    assert_string_equal(amount_noun(UINT64_MAX, "call site").text,
                        "18,446,744,073,709,551,615 call sites");
}

static void sizes_have_a_unit_and_the_exact_bytes(void **state)
{
    (void)state;
    assert_string_equal(amount_bytes(1).text, "1 byte");
    assert_string_equal(amount_bytes(1023).text, "1,023 bytes");
    assert_string_equal(amount_bytes(1024).text, "1.0 KiB (1,024 bytes)");
    assert_string_equal(amount_bytes(1536).text, "1.5 KiB (1,536 bytes)");
    assert_string_equal(amount_bytes(1048575).text, "1.0 MiB (1,048,575 bytes)");
    assert_string_equal(amount_bytes(UINT64_MAX).text,
                        "16.0 EiB (18,446,744,073,709,551,615 bytes)");
}

static void a_share_of_nothing_is_nothing(void **state)
{
    (void)state;
    assert_string_equal(amount_share(1, 3).text, "33.3%");
    assert_string_equal(amount_share(0, 0).text, "0.0%");
    assert_string_equal(amount_share(5, 5).text, "100.0%");
}

static void times_are_as_exact_as_they_are_short(void **state)
{
    (void)state;
    assert_string_equal(amount_duration(1234567890).text, "1.234 s");
    assert_string_equal(amount_duration(UINT64_C(125) * 1000000000).text, "2 min 5 s");
    assert_string_equal(amount_duration(UINT64_C(7320) * 1000000000).text, "2 h 2 min");
}

static void a_moment_is_local_time(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    tzset();
    assert_string_equal(amount_time(INT64_C(1714564800000000000)).text, "2024-05-01 12:00:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_come_in_groups_of_three),
        cmocka_unit_test(one_thing_has_no_plural),
        cmocka_unit_test(sizes_have_a_unit_and_the_exact_bytes),
        cmocka_unit_test(a_share_of_nothing_is_nothing),
        cmocka_unit_test(times_are_as_exact_as_they_are_short),
        cmocka_unit_test(a_moment_is_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
