/*
 * Keeps       where pointers are looked for first: all memory that the process can have written and that
 *             is no block, no allocator's own, no dead part of a stack and not ours.
 * Threads     the one that checks for leaks, while nothing changes.
 * Memory      that of the ranges left out, while it works.
 * On failure  root_mark returns false: no memory, and some roots may not have been scanned.
 */
#ifndef MEMTRACK_SCAN_ROOT_H
#define MEMTRACK_SCAN_ROOT_H

#include "scan/reach.h"
#include "scan/threads.h"

/* What the picture of the process consists of, besides its blocks. */
struct root_picture {
    const struct stopped_thread *threads;
    uint32_t thread_count;
    bool glibc; /* the next allocator is glibc's malloc */
};

/* Marks what the roots point at; reach_follow does the rest. */
bool root_mark(struct reach *reach, const struct root_picture *picture);

#endif
