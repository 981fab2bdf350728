/* The name of the report file. */
#include "store/path.h"
#include "child.h"
#include "memtrack/format.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct path_facts facts = {
    .program = "app", .pid = 123, .time_s = 1700000000, .host = "box", .folder = "/no/such"};

static void expect_path(const char *pattern, unsigned attempt, const char *expected)
{
    char path[PATH_MAX_BYTES];
    assert_int_equal(path_make(path, pattern, &facts, attempt), 0);
    assert_string_equal(path, expected);
}

static void the_default_is_program_and_pid_in_the_working_folder(void **state)
{
    (void)state;
    expect_path("", 0, "/no/such/app.123.memtrack");
    expect_path("", 1, "/no/such/app.123.2.memtrack");
    expect_path("", 9999, "/no/such/app.123.10000.memtrack");
}

static void marks_stand_for_facts_and_others_for_themselves(void **state)
{
    (void)state;
    expect_path("/a/%e-%p-%t-%h", 0, "/a/app-123-1700000000-box");
    expect_path("/a/%%p%q%", 0, "/a/%p%q%");
    expect_path("%e", 0, "/no/such/app");
    expect_path("/%h/%e%e", 0, "/box/appapp");
}

static void a_name_without_a_pid_gets_it_when_it_is_taken(void **state)
{
    (void)state;
    expect_path("/a/log", 0, "/a/log");
    expect_path("/a/log", 1, "/a/log.123");
    expect_path("/a/log", 2, "/a/log.123.2");
    expect_path("/a/log.memtrack", 1, "/a/log.123.memtrack");
    expect_path("/a/log.memtrack", 3, "/a/log.123.3.memtrack");
    expect_path("/a/log.txt", 1, "/a/log.txt.123");
    expect_path("/a/%p.memtrack", 1, "/a/123.2.memtrack");
    expect_path("/a/%p/log", 1, "/a/123/log.2");
}

static void a_doubled_percent_before_a_p_is_no_pid(void **state)
{
    (void)state;
    expect_path("/a/%%p", 1, "/a/%p.123");
    expect_path("/a/%%%p", 1, "/a/%123.2");
}

static void a_folder_gets_the_default_name(void **state)
{
    char pattern[PATH_MAX_BYTES], expected[PATH_MAX_BYTES];
    (void)state;
    const char *folder = child_folder();
    snprintf(expected, sizeof expected, "%s/app.123.memtrack", folder);
    expect_path(folder, 0, expected);
    snprintf(pattern, sizeof pattern, "%s/", folder);
    expect_path(pattern, 0, expected);
    snprintf(expected, sizeof expected, "%s/app.123.2.memtrack", folder);
    expect_path(folder, 1, expected);
    expect_path("/not/yet/", 0, "/not/yet/app.123.memtrack");
    expect_path("/", 0, "/app.123.memtrack");
    expect_path("sub/", 0, "/no/such/sub/app.123.memtrack");
    child_folder_remove();
}

static void a_program_or_host_name_is_one_component(void **state)
{
    char path[PATH_MAX_BYTES];
    const struct path_facts odd = {.program = "a/../b", .pid = 1, .host = "/", .folder = ""};
    (void)state;
    assert_int_equal(path_make(path, "%e.%h", &odd, 0), 0);
    assert_string_equal(path, "/a_.._b._");
}

static void every_length_around_the_bound_is_told_apart(void **state)
{
    char pattern[PATH_MAX_BYTES + 64], path[PATH_MAX_BYTES];
    (void)state;
    for (size_t length = PATH_MAX_BYTES - 40; length < PATH_MAX_BYTES + 60; length++) {
        memset(pattern, 'x', length);
        pattern[0] = '/';
        pattern[length] = '\0';
        for (unsigned attempt = 0; attempt < 3; attempt++) {
            size_t full = length + (attempt > 0 ? 4 : 0) + (attempt > 1 ? 2 : 0);
            memset(path, 'y', sizeof path);
            assert_int_equal(path_make(path, pattern, &facts, attempt),
                             full < PATH_MAX_BYTES ? 0 : -ENAMETOOLONG);
            assert_true(strnlen(path, sizeof path) < sizeof path);
            if (full < PATH_MAX_BYTES)
                assert_int_equal(strlen(path), full);
        }
    }
}

static void attempts_never_give_the_same_name_twice(void **state)
{
    static const char *const patterns[] = {"", "log", "/a/", "%p", "%%p", "x.memtrack", "%t.%h"};
    static char paths[50][PATH_MAX_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (unsigned attempt = 0; attempt < 50; attempt++) {
            assert_int_equal(path_make(paths[attempt], patterns[i], &facts, attempt), 0);
            for (unsigned before = 0; before < attempt; before++)
                assert_string_not_equal(paths[before], paths[attempt]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_program_and_pid_in_the_working_folder),
        cmocka_unit_test(marks_stand_for_facts_and_others_for_themselves),
        cmocka_unit_test(a_name_without_a_pid_gets_it_when_it_is_taken),
        cmocka_unit_test(a_doubled_percent_before_a_p_is_no_pid),
        cmocka_unit_test(a_folder_gets_the_default_name),
        cmocka_unit_test(a_program_or_host_name_is_one_component),
        cmocka_unit_test(every_length_around_the_bound_is_told_apart),
        cmocka_unit_test(attempts_never_give_the_same_name_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
