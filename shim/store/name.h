/*
 * Keeps       strings of the report file (NAMES): paths and the command line.
 * Invariant   a reference is the offset of a complete struct mtf_name below the published count.
 * Threads     any; takes LOCK_NAME.
 * Memory      the file's; names are never removed.
 * On failure  0, the empty name.
 */
#ifndef MEMTRACK_STORE_NAME_H
#define MEMTRACK_STORE_NAME_H

#include "memtrack/format.h"
#include <stddef.h>

/* Appends a name of `length` bytes, which may hold NULs. */
mtf_name_ref name_add(const char *bytes, size_t length);
/* The bytes, with a NUL behind them. */
const char *name_text(mtf_name_ref name);
void name_fork_prepare(void);
void name_fork_parent(void);
void name_fork_child(void);

#endif
