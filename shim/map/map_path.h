/*
 * Keeps       the names of mapped files, each once in NAMES.
 * Invariant   equal paths have equal references.
 * Threads     any, inside the shim; takes LOCK_PATH, then LOCK_NAME. Not in a handler that interrupted
 *             the shim.
 * Memory      private, some 150 bytes a path; the first MAP_PATHS_MAX paths alone.
 * On failure  0, the empty name: no /proc, no memory, or too many paths.
 */
#ifndef MEMTRACK_MAP_PATH_H
#define MEMTRACK_MAP_PATH_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stddef.h>

#define MAP_PATHS_MAX 16384u

/* The path of what a descriptor stands for, as the kernel names it. */
mtf_name_ref map_path_of(int fd);
mtf_name_ref map_path_intern(const char *path, size_t length);
void map_path_fork_prepare(void);
void map_path_fork_parent(void);
void map_path_fork_child(bool whole);

#endif
