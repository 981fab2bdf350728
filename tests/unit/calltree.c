#include "calltree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(struct calltree *tree, enum calltree_direction direction, uint32_t inner,
                uint32_t outer, uint64_t value)
{
    const uint32_t path[] = {inner, outer};
    assert_int_equal(calltree_add(tree, direction, path, 2, &value, NULL), 0);
}

/* main (1) calls a (2) with 10 and 5, and b (3) with 20 */
static struct calltree *small(enum calltree_direction direction)
{
    struct calltree *tree = calltree_new(1);
    assert_non_null(tree);
    add(tree, direction, 2, 1, 10);
    add(tree, direction, 3, 1, 20);
    add(tree, direction, 2, 1, 5);
    assert_int_equal(calltree_sort(tree, 0), 0);
    return tree;
}

static void callers_come_first_going_down(void **state)
{
    (void)state;
    struct calltree *tree = small(CALLTREE_DOWN);
    uint32_t node = calltree_walk(tree, 0, false);
    assert_int_equal(calltree_node(tree, node)->function, 1);
    assert_int_equal(calltree_values(tree, node)[0], 35);
    assert_int_equal(calltree_self(tree, node, 0), 0);
    node = calltree_walk(tree, node, false);
    assert_int_equal(calltree_node(tree, node)->function, 3);
    node = calltree_walk(tree, node, false);
    assert_int_equal(calltree_node(tree, node)->function, 2);
    assert_int_equal(calltree_values(tree, node)[0], 15);
    assert_int_equal(calltree_self(tree, node, 0), 15);
    assert_int_equal(calltree_walk(tree, node, false), 0);
    calltree_free(tree);
}

static void the_allocating_function_comes_first_going_up(void **state)
{
    (void)state;
    struct calltree *tree = small(CALLTREE_UP);
    uint32_t node = calltree_walk(tree, 0, false);
    assert_int_equal(calltree_node(tree, node)->function, 3);
    node = calltree_walk(tree, node, true);
    assert_int_equal(calltree_node(tree, node)->function, 2);
    assert_int_equal(calltree_values(tree, node)[0], 15);
    node = calltree_walk(tree, node, false);
    assert_int_equal(calltree_node(tree, node)->function, 1);
    assert_int_equal(calltree_walk(tree, node, false), 0);
    calltree_free(tree);
}

static void sums_stop_instead_of_wrapping(void **state)
{
    (void)state;
    struct calltree *tree = calltree_new(1);
    add(tree, CALLTREE_DOWN, 2, 1, UINT64_MAX - 1);
    add(tree, CALLTREE_DOWN, 3, 1, 5);
    assert_true(calltree_values(tree, 0)[0] == UINT64_MAX);
    calltree_free(tree);
}

/* Against sums over all paths: every node of a random tree has what the paths through it have. */
static void values_are_those_of_all_paths_through_a_node(void **state)
{
    (void)state;
    enum { PATHS = 2000, DEPTH = 6, FUNCTIONS = 4 };
    static uint32_t paths[PATHS][DEPTH], leaves[PATHS];
    struct calltree *tree = calltree_new(1);
    uint32_t random = 1;
    for (int i = 0; i < PATHS; i++) {
        for (int j = 0; j < DEPTH; j++) {
            random = random * 1664525 + 1013904223;
            paths[i][j] = (random >> 16) % FUNCTIONS;
        }
        const uint64_t value = (uint64_t)i + 1;
        assert_int_equal(calltree_add(tree, CALLTREE_UP, paths[i], DEPTH, &value, &leaves[i]), 0);
    }
    for (uint32_t function = 0; function < FUNCTIONS; function++) {
        uint64_t expected = 0, found = 0;
        for (int i = 0; i < PATHS; i++)
            expected += paths[i][0] == function ? (uint64_t)i + 1 : 0;
        for (uint32_t child = calltree_node(tree, 0)->first_child; child != 0;
             child = calltree_node(tree, child)->next)
            found += calltree_node(tree, child)->function == function
                         ? calltree_values(tree, child)[0]
                         : 0;
        assert_int_equal(found, expected);
    }
    for (int i = 0; i < PATHS; i++) {
        uint32_t node = leaves[i];
        for (int j = DEPTH - 1; j >= 0; j--, node = calltree_node(tree, node)->parent)
            assert_int_equal(calltree_node(tree, node)->function, paths[i][j]);
        assert_int_equal(node, 0);
    }
    calltree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_come_first_going_down),
        cmocka_unit_test(the_allocating_function_comes_first_going_up),
        cmocka_unit_test(sums_stop_instead_of_wrapping),
        cmocka_unit_test(values_are_those_of_all_paths_through_a_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
