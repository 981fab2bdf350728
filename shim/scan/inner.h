/*
 * Keeps       the inner pointers by which C++ and others hold a block for good: Valgrind's
 *             --leak-check-heuristics=all (memcheck manual, section 4.3).
 * Threads     the one that checks for leaks.
 * Memory      none.
 * On failure  what cannot be read holds nothing.
 */
#ifndef MEMTRACK_SCAN_INNER_H
#define MEMTRACK_SCAN_INNER_H

#include "scan/space.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is `pointer`, which points into the readable block [start, start + size) but not at its start, one by
   which the block's owner holds it? */
bool inner_holds(struct space *space, uintptr_t pointer, uintptr_t start, size_t size);

#endif
