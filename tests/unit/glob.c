#include "base/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void one_of_the_patterns_must_fit_the_whole_name(void **state)
{
    (void)state;
    assert_true(glob_fits_any("adds", "adds"));
    assert_false(glob_fits_any("adds", "add"));
    assert_false(glob_fits_any("adds", "adds2"));
    assert_true(glob_fits_any("one,adds,two", "adds"));
    assert_true(glob_fits_any("one,a?d*", "adds"));
    assert_true(glob_fits_any("*", ""));
    assert_true(glob_fits_any("/opt/*/test_*", "/opt/x/y/test_1"));
    assert_false(glob_fits_any("test_*,", "tests"));
    assert_false(glob_fits_any("a*b,c", "a*"));
    assert_true(glob_fits_any("a*b*", "aXbY"));
    assert_true(glob_fits_any(",x", ""));
    assert_false(glob_fits_any("", "x"));
}

static void hostile_patterns_end_soon(void **state)
{
    char pattern[1024], name[4096];
    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i + 1 < sizeof pattern; i++)
        pattern[i] = "*a"[i % 2];
    pattern[sizeof pattern - 2] = 'b';
    pattern[sizeof pattern - 1] = '\0';
    assert_false(glob_fits_any(pattern, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_the_patterns_must_fit_the_whole_name),
        cmocka_unit_test(hostile_patterns_end_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
