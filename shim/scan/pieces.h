/*
 * Keeps       pieces of one mapping together: a program that reserves memory and then uses parts of it in other ways
 *             (mprotect, MAP_FIXED) holds all that is left of it by a pointer to any.
 * Threads     the one that checks for leaks.
 * Memory      4 bytes a mapping, while it works.
 * On failure  without memory each piece stands for itself.
 */
#ifndef MEMTRACK_SCAN_PIECES_H
#define MEMTRACK_SCAN_PIECES_H

#include "scan/reach.h"

/* After reach_follow: follows from what is reached in this way, too. */
void pieces_follow(struct reach *reach);

#endif
