#include "map/map_tree.h"

#include <stddef.h>

/* Finaliser of MurmurHash3 (public domain). */
static uint64_t tree_priority(const struct map_node *node)
{
    uint64_t h = (uintptr_t)node;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ull;
    return h ^ h >> 33;
}

void map_tree_split(struct map_node *tree, uintptr_t key, struct map_node **left,
                    struct map_node **right)
{
    while (tree) {
        if (tree->start < key) {
            *left = tree;
            left = &tree->right;
            tree = tree->right;
        } else {
            *right = tree;
            right = &tree->left;
            tree = tree->left;
        }
    }
    *left = NULL;
    *right = NULL;
}

struct map_node *map_tree_join(struct map_node *left, struct map_node *right)
{
    struct map_node *tree = NULL;
    struct map_node **at = &tree;
    while (left && right) {
        if (tree_priority(left) > tree_priority(right)) {
            *at = left;
            at = &left->right;
            left = left->right;
        } else {
            *at = right;
            at = &right->left;
            right = right->left;
        }
    }
    *at = left ? left : right;
    return tree;
}

struct map_node *map_tree_at_or_below(struct map_node *tree, uintptr_t address)
{
    struct map_node *found = NULL;
    while (tree) {
        if (tree->start <= address) {
            found = tree;
            tree = tree->right;
        } else {
            tree = tree->left;
        }
    }
    return found;
}

void map_tree_add(struct map_node **tree, struct map_node *node)
{
    struct map_node *left, *right;
    map_tree_split(*tree, node->start, &left, &right);
    node->left = NULL;
    node->right = NULL;
    *tree = map_tree_join(map_tree_join(left, node), right);
}

struct map_node *map_tree_pop(struct map_node **tree)
{
    struct map_node *lowest = *tree;
    if (lowest == NULL)
        return NULL;
    while (lowest->left) {
        tree = &lowest->left;
        lowest = lowest->left;
    }
    *tree = lowest->right;
    lowest->right = NULL;
    return lowest;
}

void map_tree_each(struct map_node *tree, void (*visit)(struct map_node *node, void *context),
                   void *context)
{
    while (tree) {
        map_tree_each(tree->left, visit, context);
        visit(tree, context);
        tree = tree->right;
    }
}

static bool tree_in_order(const struct map_node *tree, uintptr_t *end)
{
    while (tree) {
        const struct map_node *left = tree->left, *right = tree->right;
        if ((left && tree_priority(left) > tree_priority(tree)) ||
            (right && tree_priority(right) > tree_priority(tree)))
            return false;
        if (!tree_in_order(left, end) || tree->start < *end || tree->end <= tree->start)
            return false;
        *end = tree->end;
        tree = right;
    }
    return true;
}

bool map_tree_check(const struct map_node *tree)
{
    uintptr_t end = 0;
    return tree_in_order(tree, &end);
}
