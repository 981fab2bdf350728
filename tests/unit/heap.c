/* The shim's own memory. */
#include "base/heap.h"
#include "base/sys.h"
#include "child.h"
#include "fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PIECES 3000

struct piece {
    unsigned char *bytes;
    size_t size;
    unsigned char mark;
};

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ull;
}

/* Sizes of every power, at and beside it. */
static size_t random_size(uint64_t *state)
{
    uint64_t value = random_next(state);
    size_t power = (size_t)1 << (value >> 8) % (value % 50 == 0 ? 20 : 12);
    return power + (value >> 32) % 3 - (power > 1 ? 1 : 0);
}

static bool all_bytes_are(const unsigned char *bytes, size_t size, unsigned char mark)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != mark)
            return false;
    }
    return true;
}

static bool piece_make(struct piece *piece, uint64_t *state)
{
    piece->size = random_size(state);
    piece->bytes = heap_alloc(piece->size);
    piece->mark = (unsigned char)random_next(state);
    if (piece->bytes == NULL || !all_bytes_are(piece->bytes, piece->size, 0) ||
        (uintptr_t)piece->bytes % (piece->size < SYS_PAGE ? HEAP_SMALLEST : SYS_PAGE) != 0)
        return false;
    memset(piece->bytes, piece->mark, piece->size);
    return true;
}

static bool piece_end(struct piece *piece)
{
    bool right = all_bytes_are(piece->bytes, piece->size, piece->mark);
    heap_free(piece->bytes, piece->size);
    piece->bytes = NULL;
    return right;
}

/* NULL if a piece was not zero, not aligned, or was written by somebody else. */
static void *use_pieces(void *context)
{
    uint64_t state = *(uint64_t *)context;
    struct piece *pieces = calloc(PIECES, sizeof *pieces);
    bool right = true;
    for (int i = 0; i < 30000 && right; i++) {
        struct piece *piece = &pieces[random_next(&state) % PIECES];
        right = piece->bytes ? piece_end(piece) : piece_make(piece, &state);
    }
    for (int i = 0; i < PIECES; i++)
        right = (pieces[i].bytes == NULL || piece_end(&pieces[i])) && right;
    free(pieces);
    return right ? context : NULL;
}

static void pieces_are_zero_aligned_and_nobody_elses(void **state)
{
    uint64_t seed = 1;
    (void)state;
    assert_non_null(use_pieces(&seed));
}

static void threads_get_pieces_of_their_own(void **state)
{
    pthread_t threads[4];
    uint64_t seeds[4] = {2, 3, 4, 5};
    (void)state;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, use_pieces, &seeds[i]);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

static void a_freed_piece_is_given_out_again_and_zeroed(void **state)
{
    (void)state;
    char *piece = heap_alloc(100);
    memset(piece, 1, 100);
    heap_free(piece, 100);
    char *again = heap_alloc(128); /* the same power */
    assert_ptr_equal(again, piece);
    assert_true(all_bytes_are((unsigned char *)again, 128, 0));
    heap_free(again, 128);
    heap_free(NULL, 128);
}

static void allocate_until_none(void)
{
    static char *pieces[20000];
    size_t count = 0;
    fault_all_after(1);
    while ((pieces[count] = heap_alloc(64)) != NULL)
        count++;
    REQUIRE(count == HEAP_CHUNK / 64);
    REQUIRE(heap_alloc(HEAP_CHUNK) == NULL && heap_alloc(1) == NULL);
    heap_free(pieces[7], 64);
    REQUIRE(heap_alloc(64) == pieces[7]);
    fault_none();
    REQUIRE(heap_alloc(64) != NULL);
}

static void without_memory_it_gives_null_and_reuses_what_it_has(void **state)
{
    (void)state;
    assert_int_equal(child_run(allocate_until_none), 0);
}

static void ask_for_too_much(void)
{
    fault_all_after(1);
    REQUIRE(heap_alloc(32) != NULL);
    while (heap_alloc(HEAP_CHUNK / 4) != NULL)
        continue;
    size_t left = 0;
    while (heap_alloc(32) != NULL)
        left++;
    REQUIRE(left * 32 > HEAP_CHUNK / 4 - 2 * SYS_PAGE);
}

static void a_piece_that_cannot_be_had_leaves_what_is_left_to_smaller_ones(void **state)
{
    (void)state;
    assert_int_equal(child_run(ask_for_too_much), 0);
}

static void fork_with_the_lock(void)
{
    heap_fork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        heap_fork_child(true);
        REQUIRE(heap_alloc(100) != NULL);
        _exit(0);
    }
    heap_fork_parent();
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    REQUIRE(heap_alloc(100) != NULL);
}

static void parent_and_child_go_on_after_a_fork(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_with_the_lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_gives_null_and_reuses_what_it_has),
        cmocka_unit_test(a_piece_that_cannot_be_had_leaves_what_is_left_to_smaller_ones),
        cmocka_unit_test(parent_and_child_go_on_after_a_fork),
        cmocka_unit_test(a_freed_piece_is_given_out_again_and_zeroed),
        cmocka_unit_test(pieces_are_zero_aligned_and_nobody_elses),
        cmocka_unit_test(threads_get_pieces_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
