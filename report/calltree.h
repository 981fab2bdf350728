/*
 * Keeps       stacks as a tree of functions with sums: callers first (top-down), or the allocating
 *             function first (bottom-up), whichever way paths are added.
 * Invariant   a node's values are those of all paths that go through it, so never less than its
 *             children's together; node 0 is the root, of no function, with the values of all.
 * Threads     one thread.
 * Memory      one record for each distinct prefix of a path until calltree_free.
 * On failure  -ENOMEM; sums stop at UINT64_MAX.
 */
#ifndef MEMTRACK_REPORT_CALLTREE_H
#define MEMTRACK_REPORT_CALLTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct calltree_node {
    uint32_t parent;
    uint32_t function;
    uint32_t first_child; /* 0: none */
    uint32_t next;        /* sibling; 0: none */
};

struct calltree;

/* `width`: values of a node. NULL without memory. */
struct calltree *calltree_new(unsigned width);
void calltree_free(struct calltree *tree);

enum calltree_direction {
    CALLTREE_DOWN, /* the path's last function is next to the root */
    CALLTREE_UP,   /* its first is */
};

/* Adds a path (innermost function first). `leaf` NULL, or where its last node is told. */
int calltree_add(struct calltree *tree, enum calltree_direction direction, const uint32_t *path,
                 size_t count, const uint64_t *values, uint32_t *leaf);

uint32_t calltree_count(const struct calltree *tree);
const struct calltree_node *calltree_node(const struct calltree *tree, uint32_t node);
/* The node's values: `width` of them. */
const uint64_t *calltree_values(const struct calltree *tree, uint32_t node);
/* Value `index` of the node without its children's. */
uint64_t calltree_self(const struct calltree *tree, uint32_t node, unsigned index);

/* Brings all children into falling order of value `index`; equal ones stay as they were met. */
int calltree_sort(struct calltree *tree, unsigned index);
/* The node after this one when parents come before children; `skip` leaves its children out. 0: no
   more. */
uint32_t calltree_walk(const struct calltree *tree, uint32_t node, bool skip);

#endif
