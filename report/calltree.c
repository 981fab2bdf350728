#include "calltree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_FIRST 1024u

struct calltree {
    unsigned width;
    uint32_t count;
    uint32_t room;
    struct calltree_node *nodes;
    uint64_t *values; /* `width` for each node */
    /* Nodes by parent and function: open addressing, a power of two, 0 for an empty place. Trees of deep
       programs have millions of nodes; an entry of its own for each would be most of their memory. */
    uint32_t *index;
    uint32_t index_size;
    /* The nodes of the path that was added last, root first: the next one mostly begins like it. */
    uint32_t *last;
    size_t last_count;
    size_t last_room;
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
    tree->index_size = INDEX_FIRST;
    tree->index = calloc(tree->index_size, sizeof tree->index[0]);
    if (tree->index != NULL && node_push(tree, 0, UINT32_MAX) == 0)
        return tree;
    calltree_free(tree);
    return NULL;
}

void calltree_free(struct calltree *tree)
{
    if (tree == NULL)
        return;
    free(tree->index);
    free(tree->last);
    free(tree->nodes);
    free(tree->values);
    free(tree);
}

/* The place of a node in the index: where it is, or where it belongs. */
static uint32_t index_place(const struct calltree *tree, uint32_t parent, uint32_t function)
{
    uint64_t hash = (((uint64_t)parent << 32 | function) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t place = (uint32_t)(hash >> 32) & (tree->index_size - 1);
    for (; tree->index[place] != 0; place = (place + 1) & (tree->index_size - 1)) {
        const struct calltree_node *node = &tree->nodes[tree->index[place]];
        if (node->parent == parent && node->function == function)
            break;
    }
    return place;
}

/* Keeps at least half of the index empty. */
static int index_reserve(struct calltree *tree)
{
    if (tree->count < tree->index_size / 2)
        return 0;
    if (tree->index_size > UINT32_MAX / 2)
        return -ENOMEM;
    uint32_t *bigger = calloc((size_t)tree->index_size * 2, sizeof bigger[0]);
    if (bigger == NULL)
        return -ENOMEM;
    free(tree->index);
    tree->index = bigger;
    tree->index_size *= 2;
    for (uint32_t node = 1; node < tree->count; node++)
        tree->index[index_place(tree, tree->nodes[node].parent, tree->nodes[node].function)] = node;
    return 0;
}

static int child_add(struct calltree *tree, uint32_t parent, uint32_t function, uint32_t *child)
{
    int error = index_reserve(tree);
    if (error == 0)
        error = node_push(tree, parent, function);
    if (error != 0)
        return error;
    *child = tree->count - 1;
    tree->index[index_place(tree, parent, function)] = *child;
    tree->nodes[*child].next = tree->nodes[parent].first_child;
    tree->nodes[parent].first_child = *child;
    return 0;
}

static int child_of(struct calltree *tree, uint32_t parent, uint32_t function, uint32_t *child)
{
    *child = tree->index[index_place(tree, parent, function)];
    return *child != 0 ? 0 : child_add(tree, parent, function, child);
}

static void node_count(struct calltree *tree, uint32_t node, const uint64_t *values)
{
    uint64_t *sums = tree->values + (size_t)node * tree->width;
    for (unsigned i = 0; i < tree->width; i++) {
        if (__builtin_add_overflow(sums[i], values[i], &sums[i]))
            sums[i] = UINT64_MAX;
    }
}

static int last_reserve(struct calltree *tree, size_t count)
{
    if (count <= tree->last_room)
        return 0;
    uint32_t *last = reallocarray(tree->last, 2 * count, sizeof last[0]);
    if (last == NULL)
        return -ENOMEM;
    tree->last = last;
    tree->last_room = 2 * count;
    return 0;
}

int calltree_add(struct calltree *tree, enum calltree_direction direction, const uint32_t *path,
                 size_t count, const uint64_t *values, uint32_t *leaf)
{
    uint32_t node = 0;
    bool same = true; /* as the last path, so far */
    int error = last_reserve(tree, count);
    node_count(tree, 0, values);
    for (size_t i = 0; i < count && error == 0; i++) {
        uint32_t function = path[direction == CALLTREE_UP ? i : count - 1 - i];
        same = same && i < tree->last_count && tree->nodes[tree->last[i]].function == function;
        if (same)
            node = tree->last[i];
        else
            error = child_of(tree, node, function, &node);
        if (error == 0) {
            tree->last[i] = node;
            node_count(tree, node, values);
        }
    }
    tree->last_count = error == 0 ? count : 0;
    if (error == 0 && leaf != NULL)
        *leaf = node;
    return error;
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
