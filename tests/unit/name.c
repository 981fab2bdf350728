/* Strings of the report file. */
#include "store/name.h"
#include "child.h"
#include "fault.h"
#include "store/file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int start(void **state)
{
    (void)state;
    return file_start() ? 0 : -1;
}

/* A name as a reader finds it: its length and bytes, then a NUL and zeros up to a multiple of 4. */
static bool name_is(mtf_name_ref name, const char *bytes, size_t length)
{
    const char *table = file_table(MTF_KIND_NAMES);
    uint64_t count = file_count(MTF_KIND_NAMES);
    uint32_t kept;
    if (name % 4 != 0 || name + sizeof kept + length + 1 > count)
        return false;
    memcpy(&kept, table + name, sizeof kept);
    const char *at = table + name + sizeof kept;
    for (size_t i = length; i == length || i % 4 != 0; i++) {
        if (at[i] != 0)
            return false;
    }
    return kept == length && memcmp(at, bytes, length) == 0;
}

static void a_name_comes_back_with_its_length_and_a_nul(void **state)
{
    (void)state;
    const char *text = "abcdefgh";
    for (size_t length = 1; length <= 8; length++) {
        mtf_name_ref name = name_add(text, length);
        assert_int_not_equal(name, 0);
        assert_true(name_is(name, text, length));
    }
    mtf_name_ref arguments = name_add("ls\0-l\0", 6);
    assert_true(name_is(arguments, "ls\0-l\0", 6));
}

static void the_empty_name_is_0(void **state)
{
    (void)state;
    assert_int_equal(name_add("", 0), 0);
    assert_int_not_equal(name_add("x", 1), 0);
    assert_true(name_is(0, "", 0));
}

static void a_name_that_no_table_holds_is_refused(void **state)
{
    static const char byte = 'x';
    (void)state;
    uint64_t before = file_count(MTF_KIND_NAMES);
    assert_int_equal(name_add(&byte, UINT32_MAX), 0);
    assert_int_equal(name_add(&byte, SIZE_MAX), 0);
    assert_int_equal(name_add(&byte, SIZE_MAX - 6), 0);
    assert_int_equal(name_add(&byte, 1u << 30), 0);
    assert_int_equal(file_count(MTF_KIND_NAMES), before);
}

#define THREADS 4
#define EACH 2000

static mtf_name_ref names[THREADS][EACH];

static size_t make_text(char text[32], size_t thread, size_t i)
{
    return (size_t)snprintf(text, 32, "%zu/%zu", thread, i * i);
}

static void *add_names(void *context)
{
    char text[32];
    size_t thread = (size_t)(uintptr_t)context;
    for (size_t i = 0; i < EACH; i++)
        names[thread][i] = name_add(text, make_text(text, thread, i));
    return NULL;
}

static void names_from_threads_do_not_mix(void **state)
{
    pthread_t threads[THREADS];
    char text[32];
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_names, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t thread = 0; thread < THREADS; thread++) {
        for (size_t i = 0; i < EACH; i++)
            assert_true(name_is(names[thread][i], text, make_text(text, thread, i)));
    }
}

static void add_without_memory(void)
{
    char text[100] = "x";
    REQUIRE(start(NULL) == 0);
    fault_all_after(0);
    mtf_name_ref last = 1, kept = 0;
    for (int i = 0; last != 0; i++) {
        REQUIRE(i < 10000);
        last = name_add(text, sizeof text);
        kept = last ? last : kept;
    }
    REQUIRE(name_is(kept, text, sizeof text));
    fault_none();
    REQUIRE(name_is(name_add("after", 5), "after", 5));
}

static void without_memory_a_name_is_the_empty_one(void **state)
{
    (void)state;
    assert_int_equal(child_run(add_without_memory), 0);
}

static void the_lock_is_free_on_both_sides_of_a_fork(void **state)
{
    (void)state;
    name_fork_prepare();
    name_fork_child();
    assert_int_not_equal(name_add("child", 5), 0);
    name_fork_prepare();
    name_fork_parent();
    assert_int_not_equal(name_add("parent", 6), 0);
}

int main(void)
{
    const struct CMUnitTest alone[] = {cmocka_unit_test(without_memory_a_name_is_the_empty_one)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_comes_back_with_its_length_and_a_nul),
        cmocka_unit_test(the_empty_name_is_0),
        cmocka_unit_test(a_name_that_no_table_holds_is_refused),
        cmocka_unit_test(names_from_threads_do_not_mix),
        cmocka_unit_test(the_lock_is_free_on_both_sides_of_a_fork),
    };
    int failed = cmocka_run_group_tests(alone, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, start, NULL);
}
