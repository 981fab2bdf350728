/* What is listed as the shim's own memory. */
#include "base/own.h"
#include "base/sys.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS 5000

struct sought {
    uintptr_t start;
    uintptr_t end;
    unsigned count;
};

static void seek(uintptr_t start, uintptr_t end, void *context)
{
    struct sought *sought = context;
    if (start == sought->start && end == sought->end)
        sought->count++;
}

static unsigned listed(const void *start, size_t size)
{
    struct sought sought = {(uintptr_t)start, (uintptr_t)start + size, 0};
    own_each(seek, &sought);
    return sought.count;
}

static void what_is_mapped_is_listed_until_it_is_given_back(void **state)
{
    (void)state;
    char *memory = sys_map(3 * SYS_PAGE);
    assert_int_equal(listed(memory, 3 * SYS_PAGE), 1);
    sys_unmap(memory, 3 * SYS_PAGE);
    assert_int_equal(listed(memory, 3 * SYS_PAGE), 0);
}

static void giving_back_what_is_not_listed_changes_nothing(void **state)
{
    (void)state;
    int here = 0;
    own_add(&here, sizeof here);
    own_remove(&state);
    assert_int_equal(listed(&here, sizeof here), 1);
    own_remove(&here);
    assert_int_equal(listed(&here, sizeof here), 0);
}

static void more_ranges_than_there_is_room_for_are_not_listed(void **state)
{
    (void)state;
    for (uintptr_t i = 1; i <= OWN_MAX + 5; i++)
        own_add((void *)(i * SYS_PAGE), SYS_PAGE);
    assert_int_equal(listed((void *)SYS_PAGE, SYS_PAGE), 1);
    assert_int_equal(listed((void *)((OWN_MAX + 5) * SYS_PAGE), SYS_PAGE), 0);
    own_remove((void *)(7 * SYS_PAGE));
    own_add((void *)((OWN_MAX + 6) * SYS_PAGE), SYS_PAGE);
    assert_int_equal(listed((void *)((OWN_MAX + 6) * SYS_PAGE), SYS_PAGE), 1);
    for (uintptr_t i = 1; i <= OWN_MAX + 6; i++)
        own_remove((void *)(i * SYS_PAGE));
}

static void *add_and_remove(void *context)
{
    char *base = context;
    uintptr_t wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        own_add(base, 16);
        own_add(base + 16, 16);
        wrong += listed(base, 16) != 1;
        own_remove(base);
        own_remove(base + 16);
        wrong += listed(base, 16) != 0;
    }
    return (void *)wrong;
}

static void threads_add_and_remove_at_the_same_time(void **state)
{
    (void)state;
    static char places[THREADS][64];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_and_remove, places[i]);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_mapped_is_listed_until_it_is_given_back),
        cmocka_unit_test(giving_back_what_is_not_listed_changes_nothing),
        cmocka_unit_test(threads_add_and_remove_at_the_same_time),
        cmocka_unit_test(more_ranges_than_there_is_room_for_are_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
