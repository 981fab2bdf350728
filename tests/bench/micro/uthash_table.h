/*
 * Keeps       a live table as one would write it first: uthash, in 64 parts with a lock each.
 * Invariant   as track/live.h: an address is in the table between its insert and its removal.
 * Threads     any.
 * Memory      malloc, one entry per block.
 * On failure  ends the process, as uthash does.
 *
 * It is here to show why the shim's own table is another.
 */
#ifndef BENCH_UTHASH_TABLE_H
#define BENCH_UTHASH_TABLE_H

#include "track/live.h"

void uthash_table_insert(const void *address, const struct live_block *block);
bool uthash_table_remove(const void *address, struct live_block *block);

#endif
