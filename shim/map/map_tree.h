/*
 * Keeps       a search tree of pieces of mappings by address: a treap, whose priorities are drawn from
 *             the nodes' own addresses.
 * Invariant   pieces do not overlap; left holds lower addresses, right higher ones; no node has a
 *             higher priority than its parent, so that the depth is some 2 log2(n).
 * Threads     the holder of LOCK_MAP.
 * Memory      none of its own: the nodes are the caller's.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_MAP_TREE_H
#define MEMTRACK_MAP_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct map_origin; /* map.h */

struct map_node {
    uintptr_t start;
    uintptr_t end;
    uint64_t offset; /* into the file, in bytes, at `start` */
    struct map_origin *origin;
    struct map_node *left;
    struct map_node *right;
};

/* Divides a tree: what begins below `key` goes to *left, the rest to *right. */
void map_tree_split(struct map_node *tree, uintptr_t key, struct map_node **left,
                    struct map_node **right);
/* Joins two trees, all of `left` below all of `right`. */
struct map_node *map_tree_join(struct map_node *left, struct map_node *right);
/* The last piece that begins at or below `address`; NULL if there is none. */
struct map_node *map_tree_at_or_below(struct map_node *tree, uintptr_t address);
/* Adds a node whose range is free. */
void map_tree_add(struct map_node **tree, struct map_node *node);
/* Takes out the lowest node; NULL if the tree is empty. */
struct map_node *map_tree_pop(struct map_node **tree);
/* Calls visit for each node in order of address. */
void map_tree_each(struct map_node *tree, void (*visit)(struct map_node *node, void *context),
                   void *context);
/* Order, priorities and no overlap; for tests. */
bool map_tree_check(const struct map_node *tree);

#endif
