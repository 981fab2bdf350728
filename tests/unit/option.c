/* What users may write into MEMTRACK_OPTIONS. */
#include "base/option.h"
#include "base/say.h"
#include "child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int complaints; /* the reading end of what was standard error */
static int terminal;

/* Standard error becomes a pipe, as the shim finds it at its start. */
static int start(void **state)
{
    int ends[2];
    (void)state;
    terminal = dup(2);
    if (pipe(ends) != 0 || dup2(ends[1], 2) != 2)
        return -1;
    close(ends[1]);
    complaints = ends[0];
    say_start();
    return 0;
}

static int end(void **state)
{
    (void)state;
    return dup2(terminal, 2) == 2 ? 0 : -1;
}

/* What was said about `text`; "" if nothing. */
static const char *parse(const char *text)
{
    static char said[65536];
    option_parse(text);
    if (write(2, "", 1) != 1) /* so that there is something to read */
        return NULL;
    ssize_t length = read(complaints, said, sizeof said - 1);
    if (length < 1)
        return NULL;
    said[length] = '\0';
    return said;
}

static void expect_defaults(void)
{
    assert_string_equal(option.out, "");
    assert_true(option.summary);
    assert_string_equal(option.only, "");
    assert_int_equal(option.depth, 256);
    assert_int_equal(option.samples, 10);
    assert_int_equal(option.run, 0);
    assert_int_equal(option.unwind, OPTION_UNWIND_FAST);
    assert_int_equal(option.follow, OPTION_FOLLOW_AS_IS);
}

static void nothing_given_means_defaults_and_silence(void **state)
{
    static const char *const nothing[] = {NULL, "", ":", ":::"};
    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        assert_string_equal(parse(nothing[i]), "");
        expect_defaults();
    }
}

static void every_key_is_understood(void **state)
{
    (void)state;
    assert_string_equal(parse("out=/a/%e:summary=0:depth=7:samples=0:run=18446744073709551615:"
                              "unwind=verify"),
                        "");
    assert_string_equal(option.out, "/a/%e");
    assert_false(option.summary);
    assert_int_equal(option.depth, 7);
    assert_int_equal(option.samples, 0);
    assert_int_equal(option.run, UINT64_MAX);
    assert_int_equal(option.unwind, OPTION_UNWIND_VERIFY);
    assert_string_equal(parse("unwind=libunwind:depth=1024:samples=1000:summary=1"), "");
    assert_int_equal(option.unwind, OPTION_UNWIND_LIBUNWIND);
    assert_int_equal(option.depth, 1024);
    assert_int_equal(option.samples, 1000);
    assert_true(option.summary);
    assert_string_equal(parse("only=test_*,/opt/a?p"), "");
    assert_string_equal(option.only, "test_*,/opt/a?p");
    assert_non_null(strstr(parse("only="), "only"));
    assert_string_equal(option.only, "");
    assert_string_equal(parse("follow=0"), "");
    assert_int_equal(option.follow, OPTION_FOLLOW_NO);
    assert_string_equal(parse("follow=1"), "");
    assert_int_equal(option.follow, OPTION_FOLLOW_YES);
}

static void the_last_good_value_counts(void **state)
{
    (void)state;
    assert_string_equal(parse("depth=3:depth=4"), "");
    assert_int_equal(option.depth, 4);
    assert_non_null(strstr(parse("depth=5:depth=x"), "depth"));
    assert_int_equal(option.depth, 5);
}

static void a_bad_value_gives_one_line_that_names_it_and_changes_nothing(void **state)
{
    static const char *const bad[] = {"depth=0",
                                      "depth=1025",
                                      "depth=-1",
                                      "depth=+5",
                                      "depth= 5",
                                      "depth=5 ",
                                      "depth=0x10",
                                      "depth=",
                                      "depth",
                                      "samples=1001",
                                      "samples=",
                                      "samples=1e3",
                                      "summary=2",
                                      "follow=2",
                                      "follow=yes",
                                      "summary=yes",
                                      "summary=",
                                      "out=",
                                      "out",
                                      "unwind=",
                                      "unwind=Fast",
                                      "unwind=fast ",
                                      "run=18446744073709551616",
                                      "run=99999999999999999999999",
                                      "run=-1",
                                      "depth=4294967297",
                                      "samples=18446744073709551617",
                                      "depth=\xb2"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char key[32];
        strcpy(key, bad[i]);
        key[strcspn(key, "=")] = '\0';
        const char *said = parse(bad[i]);
        assert_memory_equal(said, "memtrack: MEMTRACK_OPTIONS: bad value for '", 43);
        assert_memory_equal(said + 43, key, strlen(key));
        assert_int_equal(strchr(said, '\n') - said, strlen(said) - 1);
        expect_defaults();
    }
}

static void an_unknown_key_gives_one_line_and_the_others_still_count(void **state)
{
    static const char *const unknown[] = {
        "depths=3:summary=0", "dept=3:summary=0", "=3:summary=0",       "Depth=3:summary=0",
        "summary=0: depth=3", "x:summary=0",      "summary=0:depth\n=3"};
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        const char *said = parse(unknown[i]);
        assert_non_null(strstr(said, "unknown option '"));
        assert_int_equal(strchr(said, '\n') - said, strlen(said) - 1);
        assert_int_equal(option.depth, 256);
        assert_false(option.summary);
    }
}

static void escapes_keep_colons_and_backslashes_in_a_value(void **state)
{
    (void)state;
    assert_string_equal(parse("out=C\\:\\\\x\\y=z:summary=0"), "");
    assert_string_equal(option.out, "C:\\x\\y=z");
    assert_false(option.summary);
    assert_string_equal(parse("out=a\\"), "");
    assert_string_equal(option.out, "a\\");
    assert_string_equal(parse("out=\\:"), "");
    assert_string_equal(option.out, ":");
}

static void a_value_is_kept_whole_or_not_at_all(void **state)
{
    static char text[3 * OPTION_PATH_MAX];
    (void)state;
    for (size_t length = OPTION_PATH_MAX - 3; length < OPTION_PATH_MAX + 3; length++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "out=", sizeof "out=");
        text[4] = 'x';
        strcpy(text + 4 + length, ":depth=9");
        const char *said = parse(text);
        assert_int_equal(strlen(said) == 0, length < OPTION_PATH_MAX);
        assert_int_equal(strlen(option.out), length < OPTION_PATH_MAX ? length : 0);
        assert_int_equal(option.depth, 9);
    }
}

static void a_key_longer_than_any_is_unknown(void **state)
{
    char text[400];
    (void)state;
    memset(text, 'd', sizeof text);
    strcpy(text + 300, "=5:depth=6");
    assert_non_null(strstr(parse(text), "unknown option 'ddd"));
    assert_int_equal(option.depth, 6);
}

static void any_bytes_leave_usable_values(void **state)
{
    static const char alphabet[] = "depthsamlrunowiy=:\\0123456789 \n\x80\xff";
    uint64_t random = 88172645463325252ull;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        char text[40];
        for (size_t i = 0; i < sizeof text; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text[i] = alphabet[random % (sizeof alphabet - 1)];
        }
        text[random % sizeof text] = '\0';
        assert_non_null(parse(text));
        assert_in_range(option.depth, OPTION_DEPTH_MIN, OPTION_DEPTH_MAX);
        assert_in_range(option.samples, 0, OPTION_SAMPLES_MAX);
        assert_true(option.unwind <= OPTION_UNWIND_VERIFY);
        assert_true(strnlen(option.out, OPTION_PATH_MAX) < OPTION_PATH_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_means_defaults_and_silence),
        cmocka_unit_test(every_key_is_understood),
        cmocka_unit_test(the_last_good_value_counts),
        cmocka_unit_test(a_bad_value_gives_one_line_that_names_it_and_changes_nothing),
        cmocka_unit_test(an_unknown_key_gives_one_line_and_the_others_still_count),
        cmocka_unit_test(escapes_keep_colons_and_backslashes_in_a_value),
        cmocka_unit_test(a_value_is_kept_whole_or_not_at_all),
        cmocka_unit_test(a_key_longer_than_any_is_unknown),
        cmocka_unit_test(any_bytes_leave_usable_values),
    };
    return cmocka_run_group_tests(tests, start, end);
}
