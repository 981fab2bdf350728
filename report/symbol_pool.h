/*
 * Keeps       names for addresses from as many symbolizers as there are processors: addresses that are
 *             known to be needed are looked up by all of them at once.
 * Invariant   an address is always asked of the same symbolizer, so that its answer is there.
 * Threads     the pool belongs to one thread; its workers live during symbol_pool_prepare alone, and
 *             each has a symbolizer, with files of its own, to itself.
 * Memory      what symbolizer.h says, for each worker that a module was given to; until
 *             symbol_pool_close.
 * On failure  NULL or -ENOMEM as symbolizer.h; a worker that cannot be started, or that runs out of
 *             memory, leaves its part to the first question.
 */
#ifndef MEMTRACK_REPORT_SYMBOL_POOL_H
#define MEMTRACK_REPORT_SYMBOL_POOL_H

#include "frames.h"
#include "symbolize.h"
#include <stddef.h>

#define SYMBOL_WORKERS_MAX 16u

struct symbol_pool;

/* NULL: out of memory. */
struct symbol_pool *symbol_pool_open(void);
void symbol_pool_close(struct symbol_pool *pool);
/* The same with a given number of workers, for tests. */
struct symbol_pool *symbol_pool_open_with(unsigned workers);

/* Looks up all of them, on all processors. Requests of one module stand together, by address. */
void symbol_pool_prepare(struct symbol_pool *pool, const struct symbol_request *requests,
                         size_t count);
/* As the symbolizer's functions. */
int symbol_pool_lookup(struct symbol_pool *pool, const struct symbol_module *module,
                       uint64_t address, bool exact, const struct symbol_frame **frames);
const char *symbol_pool_complaint(struct symbol_pool *pool, const struct symbol_module *module);

/* The pool, as frames.h wants it. */
struct frame_source symbol_pool_source(struct symbol_pool *pool);

#endif
