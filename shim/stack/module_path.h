/*
 * Keeps       the file that a module came from: its name, and what tells it from a later one.
 * Invariant   a path is absolute wherever the system could be asked.
 * Threads     any; raw system calls only.
 * Memory      the caller's buffers.
 * On failure  the loader's own name stays; the identity is zero.
 */
#ifndef MEMTRACK_STACK_MODULE_PATH_H
#define MEMTRACK_STACK_MODULE_PATH_H

#include "memtrack/format.h"
#include <stdint.h>

#define MODULE_PATH_MAX 4096u

/* Writes the path of a module that the loader calls `name`; flags are MTF_MODULE_*. */
void module_path_find(const char *name, uint32_t flags, char path[MODULE_PATH_MAX]);
/* Fills inode, file_size and mtime_ns. */
void module_path_identify(const char *path, struct mtf_module *record);

#endif
