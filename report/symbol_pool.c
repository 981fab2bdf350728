/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "symbol_pool.h"
#include "progress.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Fewer addresses are not worth a thread. */
#define POOL_LEAST 1024u
/* A module with more addresses than this is opened by several workers. Each takes one piece of its address
   space, so that neighbours, which share a compilation unit, stay together. */
#define POOL_SPLIT 4000u

/* Which workers know a module. */
struct pool_module {
    UT_hash_handle hh;
    unsigned first;
    unsigned span;
    uint64_t ends[SYMBOL_WORKERS_MAX]; /* of pieces, in order; the last has none */
    char path[];
};

struct symbol_pool {
    unsigned count;
    struct symbolizer *workers[SYMBOL_WORKERS_MAX];
    size_t loads[SYMBOL_WORKERS_MAX]; /* addresses that each was given */
    struct pool_module *modules;
};

struct pool_work {
    struct symbol_pool *pool;
    const struct symbol_request *requests;
    size_t count;
    unsigned worker;
};

static unsigned pool_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > (int)SYMBOL_WORKERS_MAX ? SYMBOL_WORKERS_MAX : (unsigned)count;
}

struct symbol_pool *symbol_pool_open_with(unsigned workers)
{
    struct symbol_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->count = workers;
    for (unsigned i = 0; i < workers; i++) {
        pool->workers[i] = symbolizer_open();
        if (pool->workers[i] == NULL) {
            symbol_pool_close(pool);
            return NULL;
        }
    }
    return pool;
}

struct symbol_pool *symbol_pool_open(void)
{
    return symbol_pool_open_with(pool_processors());
}

void symbol_pool_close(struct symbol_pool *pool)
{
    struct pool_module *module, *next;
    if (pool == NULL)
        return;
    HASH_ITER(hh, pool->modules, module, next)
    {
        HASH_DEL(pool->modules, module);
        free(module);
    }
    for (unsigned i = 0; i < pool->count; i++)
        symbolizer_close(pool->workers[i]);
    free(pool);
}

/* ---- who knows what ---- */

static unsigned pool_worker(struct symbol_pool *pool, const char *path, uint64_t address)
{
    struct pool_module *module;
    HASH_FIND_STR(pool->modules, path, module);
    if (module == NULL)
        return 0;
    unsigned piece = 0;
    while (piece + 1 < module->span && address >= module->ends[piece])
        piece++;
    return (module->first + piece) % pool->count;
}

static unsigned pool_least_loaded(const struct symbol_pool *pool)
{
    unsigned least = 0;
    for (unsigned i = 1; i < pool->count; i++)
        least = pool->loads[i] < pool->loads[least] ? i : least;
    return least;
}

/* `requests` are those of one module, by address. One that some worker knows already stays with it. */
static void pool_assign(struct symbol_pool *pool, const struct symbol_request *requests,
                        size_t count)
{
    const char *path = requests[0].module->path;
    struct pool_module *module;
    HASH_FIND_STR(pool->modules, path, module);
    size_t length = strlen(path);
    if (module != NULL || (module = calloc(1, sizeof *module + length + 1)) == NULL)
        return;
    memcpy(module->path, path, length);
    module->first = pool_least_loaded(pool);
    size_t span = count / POOL_SPLIT + 1;
    module->span = span < pool->count ? (unsigned)span : pool->count;
    for (unsigned i = 0; i + 1 < module->span; i++)
        module->ends[i] = requests[count * (i + 1) / module->span].address;
    HASH_ADD_STR(pool->modules, path, module);
    if (module->hh.tbl == NULL) {
        free(module);
        return;
    }
    for (unsigned i = 0; i < module->span; i++)
        pool->loads[(module->first + i) % pool->count] += count / module->span;
}

static void pool_assign_all(struct symbol_pool *pool, const struct symbol_request *requests,
                            size_t count)
{
    size_t first = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i < count && requests[i].module == requests[first].module)
            continue;
        pool_assign(pool, &requests[first], i - first);
        first = i;
    }
}

/* ---- the work ---- */

static void *pool_work_run(void *context)
{
    const struct pool_work *work = context;
    struct symbol_pool *pool = work->pool;
    for (size_t i = 0; i < work->count; i++) {
        const struct symbol_request *request = &work->requests[i];
        const struct symbol_frame *frames;
        if (pool_worker(pool, request->module->path, request->address) != work->worker)
            continue;
        if (work->worker == 0)
            progress_step("looking up names", i);
        if (symbolizer_lookup(pool->workers[work->worker], request->module, request->address,
                              request->exact, &frames) < 0)
            break;
    }
    return NULL;
}

void symbol_pool_prepare(struct symbol_pool *pool, const struct symbol_request *requests,
                         size_t count)
{
    struct pool_work works[SYMBOL_WORKERS_MAX];
    pthread_t threads[SYMBOL_WORKERS_MAX];
    bool started[SYMBOL_WORKERS_MAX] = {false};
    if (count < POOL_LEAST || pool->count < 2)
        return;
    pool_assign_all(pool, requests, count);
    for (unsigned i = 0; i < pool->count; i++) {
        works[i] = (struct pool_work){pool, requests, count, i};
        if (i > 0)
            started[i] = pthread_create(&threads[i], NULL, pool_work_run, &works[i]) == 0;
    }
    pool_work_run(&works[0]);
    for (unsigned i = 1; i < pool->count; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
    }
}

int symbol_pool_lookup(struct symbol_pool *pool, const struct symbol_module *module,
                       uint64_t address, bool exact, const struct symbol_frame **frames)
{
    return symbolizer_lookup(pool->workers[pool_worker(pool, module->path, address)], module,
                             address, exact, frames);
}

const char *symbol_pool_complaint(struct symbol_pool *pool, const struct symbol_module *module)
{
    return symbolizer_complaint(pool->workers[pool_worker(pool, module->path, 0)], module);
}

/* ---- as a source of names ---- */

static int source_lookup(void *context, const struct symbol_module *module, uint64_t address,
                         bool exact, const struct symbol_frame **frames)
{
    return symbol_pool_lookup(context, module, address, exact, frames);
}

static const char *source_complaint(void *context, const struct symbol_module *module)
{
    return symbol_pool_complaint(context, module);
}

static void source_prepare(void *context, const struct symbol_request *requests, size_t count)
{
    symbol_pool_prepare(context, requests, count);
}

struct frame_source symbol_pool_source(struct symbol_pool *pool)
{
    return (struct frame_source){pool, source_lookup, source_complaint, source_prepare};
}
