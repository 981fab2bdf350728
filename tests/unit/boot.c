/* Memory for the calls that come before the next allocator is known. */
#include "base/boot.h"
#include "child.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void serve_all_sizes(void)
{
    char *end = boot_pool;
    for (size_t size = 0; size < 200; size++) {
        for (size_t alignment = 1; alignment <= 128; alignment *= 2) {
            char *piece = boot_alloc(alignment, size);
            if (piece == NULL)
                return;
            REQUIRE((uintptr_t)piece % alignment == 0 && (uintptr_t)piece % 16 == 0);
            REQUIRE(boot_owns(piece) && piece >= end && boot_size(piece) == size);
            end = piece + size;
            REQUIRE(end <= boot_pool + BOOT_POOL);
            for (size_t i = 0; i < size; i++)
                REQUIRE(piece[i] == 0);
            memset(piece, 0xff, size);
        }
    }
    REQUIRE(0); /* the pool is smaller than that */
}

static void pieces_are_zero_aligned_and_apart(void **state)
{
    (void)state;
    assert_int_equal(child_run(serve_all_sizes), 0);
}

static void own_the_edges(void)
{
    int local;
    REQUIRE(boot_owns(boot_pool) && boot_owns(boot_pool + BOOT_POOL - 1));
    REQUIRE(!boot_owns(boot_pool - 1) && !boot_owns(boot_pool + BOOT_POOL));
    REQUIRE(!boot_owns(NULL) && !boot_owns(&local));
}

static void only_the_pool_is_its_own(void **state)
{
    (void)state;
    assert_int_equal(child_run(own_the_edges), 0);
}

static void ask_for_too_much(void)
{
    static const size_t sizes[] = {BOOT_POOL, BOOT_POOL + 1, BOOT_POOL - 16, SIZE_MAX,
                                   SIZE_MAX - 15};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        REQUIRE(boot_alloc(1, sizes[i]) == NULL);
    REQUIRE(boot_alloc((size_t)BOOT_POOL * 2, 1) == NULL);
    REQUIRE(boot_count() == 0);
    REQUIRE(boot_alloc(1, 1000) != NULL && boot_count() == 1);
    while (boot_alloc(1, 1500))
        continue;
    REQUIRE(boot_alloc(1, 100) != NULL);
}

static void a_request_that_does_not_fit_leaves_room_for_those_that_do(void **state)
{
    (void)state;
    assert_int_equal(child_run(ask_for_too_much), 0);
}

#define THREADS 4

static char *pieces[THREADS][500];

static void *take_pieces(void *context)
{
    char **mine = pieces[(uintptr_t)context];
    for (int i = 0; i < 500; i++) {
        mine[i] = boot_alloc(1, 8);
        if (mine[i])
            memset(mine[i], (int)(uintptr_t)context + 1, 8);
    }
    return NULL;
}

static void take_from_threads(void)
{
    pthread_t threads[THREADS];
    uint64_t given = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, take_pieces, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < 500; j++) {
            given += pieces[i][j] != NULL;
            REQUIRE(pieces[i][j] == NULL || (pieces[i][j][0] == i + 1 && pieces[i][j][7] == i + 1));
        }
    }
    REQUIRE(given == boot_count() && given > 1000);
}

static void threads_get_pieces_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(child_run(take_from_threads), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zero_aligned_and_apart),
        cmocka_unit_test(only_the_pool_is_its_own),
        cmocka_unit_test(a_request_that_does_not_fit_leaves_room_for_those_that_do),
        cmocka_unit_test(threads_get_pieces_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
