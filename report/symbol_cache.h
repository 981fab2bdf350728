/*
 * Keeps       names that were found for a module's addresses, from one run of memtrack to the next: one
 *             file for each build-id, below XDG_CACHE_HOME.
 * Invariant   an answer is used only while everything that it was made from is as it was (`stamp`: the
 *             module's file, its debug files, memtrack itself). Files are written beside and renamed, so a
 *             reader sees a whole one; what another writer added at the same time may be lost, never
 *             mixed. What is damaged is not used and is written anew.
 * Threads     the thread of its symbolizer.
 * Memory      one copy of the file; answers that were added, until it is closed.
 * On failure  there is no cache: names are found the long way.
 */
#ifndef MEMTRACK_SYMBOL_CACHE_H
#define MEMTRACK_SYMBOL_CACHE_H

#include "symbolize.h"
#include <stddef.h>

struct symbol_cache;

/* The folder of the user's caches for symbols, made where it is missing; the caller frees it. NULL: there is
   none, or it cannot be made. */
char *symbol_cache_folder(void);
/* What the file of this build-id holds, if it was made from the same; the file need not be there. NULL:
   out of memory, or no build-id. */
struct symbol_cache *symbol_cache_open(const char *folder, const uint8_t *build_id, size_t length,
                                       const char *stamp);
/* The frames known for the address; their number, or 0. They are the cache's. */
int symbol_cache_find(const struct symbol_cache *cache, uint64_t address,
                      const struct symbol_frame **frames);
/* To be kept. The frames must live until the cache is closed. */
void symbol_cache_add(struct symbol_cache *cache, uint64_t address,
                      const struct symbol_frame *frames, int count);
/* Writes the file if something was added. */
void symbol_cache_close(struct symbol_cache *cache);

#endif
