/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "calltree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct calltree_key {
    uint32_t parent;
    uint32_t function;
};

/* Finds a node by what it is. */
struct calltree_entry {
    struct calltree_key key;
    uint32_t node;
    UT_hash_handle hh;
};

struct calltree {
    unsigned width;
    uint32_t count;
    uint32_t room;
    struct calltree_node *nodes;
    uint64_t *values; /* `width` for each node */
    struct calltree_entry *index;
};

static int nodes_reserve(struct calltree *tree)
{
    if (tree->count < tree->room)
        return 0;
    uint32_t room = 2 * tree->room + 1024;
    struct calltree_node *nodes = realloc(tree->nodes, room * sizeof nodes[0]);
    if (nodes != NULL)
        tree->nodes = nodes;
    uint64_t *values = realloc(tree->values, (size_t)room * tree->width * sizeof values[0]);
    if (values != NULL)
        tree->values = values;
    if (nodes == NULL || values == NULL)
        return -ENOMEM;
    tree->room = room;
    return 0;
}

/* Adds a node without children to the end of the arrays. */
static int node_push(struct calltree *tree, uint32_t parent, uint32_t function)
{
    int error = nodes_reserve(tree);
    if (error != 0)
        return error;
    tree->nodes[tree->count] = (struct calltree_node){.parent = parent, .function = function};
    memset(tree->values + (size_t)tree->count * tree->width, 0, tree->width * sizeof(uint64_t));
    tree->count++;
    return 0;
}

struct calltree *calltree_new(unsigned width)
{
    struct calltree *tree = calloc(1, sizeof *tree);
    if (tree == NULL)
        return NULL;
    tree->width = width;
    if (node_push(tree, 0, UINT32_MAX) == 0)
        return tree;
    calltree_free(tree);
    return NULL;
}

void calltree_free(struct calltree *tree)
{
    struct calltree_entry *entry, *next;
    if (tree == NULL)
        return;
    HASH_ITER(hh, tree->index, entry, next)
    {
        HASH_DEL(tree->index, entry);
        free(entry);
    }
    free(tree->nodes);
    free(tree->values);
    free(tree);
}

static int child_add(struct calltree *tree, const struct calltree_key *key, uint32_t *child)
{
    struct calltree_entry *entry = calloc(1, sizeof *entry);
    int error = entry != NULL ? node_push(tree, key->parent, key->function) : -ENOMEM;
    if (error != 0) {
        free(entry);
        return error;
    }
    entry->key = *key;
    entry->node = tree->count - 1;
    HASH_ADD(hh, tree->index, key, sizeof entry->key, entry);
    if (entry->hh.tbl == NULL) {
        tree->count--;
        free(entry);
        return -ENOMEM;
    }
    *child = entry->node;
    tree->nodes[*child].next = tree->nodes[key->parent].first_child;
    tree->nodes[key->parent].first_child = *child;
    return 0;
}

static int child_of(struct calltree *tree, uint32_t parent, uint32_t function, uint32_t *child)
{
    const struct calltree_key key = {parent, function};
    struct calltree_entry *entry;
    HASH_FIND(hh, tree->index, &key, sizeof key, entry);
    if (entry == NULL)
        return child_add(tree, &key, child);
    *child = entry->node;
    return 0;
}

static void node_count(struct calltree *tree, uint32_t node, const uint64_t *values)
{
    uint64_t *sums = tree->values + (size_t)node * tree->width;
    for (unsigned i = 0; i < tree->width; i++) {
        if (__builtin_add_overflow(sums[i], values[i], &sums[i]))
            sums[i] = UINT64_MAX;
    }
}

int calltree_add(struct calltree *tree, enum calltree_direction direction, const uint32_t *path,
                 size_t count, const uint64_t *values, uint32_t *leaf)
{
    uint32_t node = 0;
    node_count(tree, 0, values);
    for (size_t i = 0; i < count; i++) {
        uint32_t function = path[direction == CALLTREE_UP ? i : count - 1 - i];
        int error = child_of(tree, node, function, &node);
        if (error != 0)
            return error;
        node_count(tree, node, values);
    }
    if (leaf != NULL)
        *leaf = node;
    return 0;
}

uint32_t calltree_count(const struct calltree *tree)
{
    return tree->count;
}

const struct calltree_node *calltree_node(const struct calltree *tree, uint32_t node)
{
    return &tree->nodes[node];
}

const uint64_t *calltree_values(const struct calltree *tree, uint32_t node)
{
    return tree->values + (size_t)node * tree->width;
}

uint64_t calltree_self(const struct calltree *tree, uint32_t node, unsigned index)
{
    uint64_t self = calltree_values(tree, node)[index];
    for (uint32_t child = tree->nodes[node].first_child; child != 0;
         child = tree->nodes[child].next) {
        uint64_t part = calltree_values(tree, child)[index];
        self = self > part ? self - part : 0;
    }
    return self;
}

struct calltree_order {
    const struct calltree *tree;
    unsigned index;
};

static int node_compare(const void *left, const void *right, void *context)
{
    const struct calltree_order *order = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t x = calltree_values(order->tree, a)[order->index];
    uint64_t y = calltree_values(order->tree, b)[order->index];
    if (x != y)
        return x > y ? -1 : 1;
    return (a > b) - (a < b);
}

/* Sorts the children of one node; `children` has room for as many as the tree has nodes. */
static void children_sort(struct calltree *tree, uint32_t node, struct calltree_order *order,
                          uint32_t *children)
{
    size_t count = 0;
    uint32_t child = tree->nodes[node].first_child;
    for (; child != 0; child = tree->nodes[child].next)
        children[count++] = child;
    qsort_r(children, count, sizeof children[0], node_compare, order);
    uint32_t *link = &tree->nodes[node].first_child;
    for (size_t i = 0; i < count; i++) {
        *link = children[i];
        link = &tree->nodes[children[i]].next;
    }
    *link = 0;
}

int calltree_sort(struct calltree *tree, unsigned index)
{
    struct calltree_order order = {tree, index};
    uint32_t *children = calloc(tree->count, sizeof children[0]);
    if (children == NULL)
        return -ENOMEM;
    for (uint32_t node = 0; node < tree->count; node++)
        children_sort(tree, node, &order, children);
    free(children);
    return 0;
}

uint32_t calltree_walk(const struct calltree *tree, uint32_t node, bool skip)
{
    if (!skip && tree->nodes[node].first_child != 0)
        return tree->nodes[node].first_child;
    while (node != 0 && tree->nodes[node].next == 0)
        node = tree->nodes[node].parent;
    return node == 0 ? 0 : tree->nodes[node].next;
}
