#include "gate/wildcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 1;

static unsigned random_below(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

static void random_string(char *to, size_t longest, const char *letters)
{
    size_t length = random_below((unsigned)longest + 1);
    for (size_t i = 0; i < length; i++)
        to[i] = letters[random_below((unsigned)strlen(letters))];
    to[length] = '\0';
}

/* What the words of the manual say, in as many steps as it takes. */
static bool model_match(const char *pattern, const char *string)
{
    if (*pattern == '*')
        return model_match(pattern + 1, string) ||
               (*string != '\0' && model_match(pattern, string + 1));
    if (*pattern == '\0' || *string == '\0')
        return *pattern == *string;
    return (*pattern == '?' || *pattern == *string) && model_match(pattern + 1, string + 1);
}

static void patterns_fit_as_the_plain_model_says(void **state)
{
    char pattern[10], string[12];
    unsigned fits = 0;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        random_string(pattern, 8, "ab*?");
        random_string(string, 10, "ab");
        bool expected = model_match(pattern, string);
        assert_int_equal(wildcard_match(pattern, string), expected);
        fits += expected;
    }
    assert_in_range(fits, 1000, 199000);
}

static void a_backslash_takes_the_next_character_as_it_is(void **state)
{
    (void)state;
    assert_true(wildcard_match("a\\*b*", "a*bc"));
    assert_false(wildcard_match("a\\*b*", "axbc"));
    assert_true(wildcard_match("operator\\?*", "operator?(int)"));
    assert_false(wildcard_match("a*\\", "a\\"));
    assert_true(wildcard_match("a\\b", "a\\b"));
    assert_false(wildcard_match("a\\b", "ab"));
}

static void hostile_patterns_end_soon(void **state)
{
    char string[4001], pattern[2001];
    (void)state;
    memset(string, 'a', 4000);
    string[4000] = '\0';
    for (size_t i = 0; i < 1000; i++)
        memcpy(pattern + 2 * i, "a*", 2);
    pattern[2000] = '\0';
    pattern[1998] = 'b';
    assert_false(wildcard_match(pattern, string));
    assert_false(wildcard_search(pattern, string));
}

/* As its own matcher goes through them, step by step; suppressions.bats asks LeakSanitizer itself. */
static void searches_fit_as_in_leak_sanitizer(void **state)
{
    static const struct {
        const char *pattern, *string;
        bool fits;
    } facts[] = {
        {"foo", "xfooy", true},
        {"^foo", "foobar", true},
        {"^foo", "xfoo", false},
        {"bar$", "foobar", true},
        {"bar$", "barbar", false},
        {"^foo$", "foo", true},
        {"^foo$", "foob", false},
        {"f*r", "xfoobary", true},
        {"^*bar", "foobar", true},
        {"^f*r$", "foobar", true},
        {"foo*$", "xfoobar", true},
        {"foo$bar", "foo", true},
        {"a*a", "a", false},
        {"*", "anything", true},
        {"", "anything", true},
        {"", "", false},
        {"*", "", false},
        {"$", "", false},
        {"$", "x", false},
        {"a?c", "abc", false},
        {"a?c", "xa?cy", true},
        {"^^a", "^a", true},
        {"^", "x", true},
        {"x\\*", "x\\y", true},
        {"*$", "x", true},
        {"ab*cd*ef", "abcdef", true},
        {"ab*cd*ef", "abefcd", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (wildcard_search(facts[i].pattern, facts[i].string) != facts[i].fits)
            fail_msg("'%s' in '%s'", facts[i].pattern, facts[i].string);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_fit_as_the_plain_model_says),
        cmocka_unit_test(a_backslash_takes_the_next_character_as_it_is),
        cmocka_unit_test(hostile_patterns_end_soon),
        cmocka_unit_test(searches_fit_as_in_leak_sanitizer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
