/*
 * What the program tells us and asks of us while it runs: memtrack.h, and LeakSanitizer's functions of the
 * same purpose (compiler-rt, sanitizer/lsan_interface.h), which programs call where they are there.
 */
#include "hook/hook.h"
#include "hook/lsan.h"
#include "memtrack.h"
#include "scan/check.h"
#include "scan/claims.h"
#include "scan/pool.h"
#include "scan/scope.h"
#include "stack/capture.h"
#include "start.h"
#include "track/event.h"
#include "track/total.h"

#include <string.h>
#include <unistd.h>

#define CLIENT_LOST (1u << MTF_LEAK_DEFINITE | 1u << MTF_LEAK_INDIRECT)

MT_EXPORT void __lsan_do_leak_check(void);
MT_EXPORT int __lsan_do_recoverable_leak_check(void);
MT_EXPORT void __lsan_ignore_object(const void *block);
MT_EXPORT void __lsan_disable(void);
MT_EXPORT void __lsan_enable(void);
MT_EXPORT void __lsan_register_root_region(const void *start, size_t size);
MT_EXPORT void __lsan_unregister_root_region(const void *start, size_t size);

/* Into the shim; NULL where nothing can be told now. */
static struct self *client_enter(void)
{
    struct self *self = hook_enter();
    if (self == NULL || start_owns_report())
        return self;
    hook_leave(self);
    return NULL;
}

/* ---- leaks ---- */

static bool client_check(const char *label, struct mtf_check *result)
{
    struct self *self = client_enter();
    if (self == NULL)
        return false;
    bool done = start_check(MTF_CHECK_BY_CLIENT, label, result);
    hook_leave(self);
    return done;
}

static int client_leak_check(const char *label, struct memtrack_leaks *leaks)
{
    struct mtf_check result;
    if (!client_check(label, &result))
        return 0;
    if (leaks) {
        *leaks = (struct memtrack_leaks){.definite_blocks = result.blocks[MTF_LEAK_DEFINITE],
                                         .definite_bytes = result.bytes[MTF_LEAK_DEFINITE],
                                         .indirect_blocks = result.blocks[MTF_LEAK_INDIRECT],
                                         .indirect_bytes = result.bytes[MTF_LEAK_INDIRECT],
                                         .possible_blocks = result.blocks[MTF_LEAK_POSSIBLE],
                                         .possible_bytes = result.bytes[MTF_LEAK_POSSIBLE],
                                         .reachable_blocks = result.blocks[MTF_LEAK_REACHABLE],
                                         .reachable_bytes = result.bytes[MTF_LEAK_REACHABLE]};
    }
    return 1;
}

static void client_ignore(const void *block)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    if (!pool_ignore((uintptr_t)block))
        claims_ignore(block, total_sequence());
    hook_leave(self);
}

static void client_ignore_begin(void)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    if (self->ignoring++ == 0)
        claims_begin_stretch(self->thread, event_mark(self));
    hook_leave(self);
}

static void client_ignore_end(void)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    if (self->ignoring > 0 && --self->ignoring == 0)
        claims_end_stretch(self->thread, event_mark(self));
    hook_leave(self);
}

static void client_root_add(const void *start, size_t size)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    claims_add_region((uintptr_t)start, size);
    hook_leave(self);
}

static void client_root_remove(const void *start, size_t size)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    claims_remove_region((uintptr_t)start, size);
    hook_leave(self);
}

/* ---- parts of the program's life ---- */

static void client_phase(const char *name)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    if (name)
        total_phase(name, strlen(name));
    hook_leave(self);
}

static uint64_t client_scope_begin(void)
{
    struct self *self = client_enter();
    if (self == NULL)
        return 0;
    uint64_t begin = event_mark(self);
    hook_leave(self);
    return begin;
}

static uint64_t client_scope_end(const char *name, uint64_t begin, int all_threads)
{
    struct self *self = client_enter();
    if (self == NULL)
        return 0;
    uint64_t blocks = start_scope_end(name, begin, all_threads ? SCOPE_ALL_THREADS : self->thread);
    hook_leave(self);
    return blocks;
}

/* ---- pools ---- */

static void client_pool_create(const void *pool)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    pool_create((uintptr_t)pool);
    hook_leave(self);
}

static void client_pool_destroy(const void *pool)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    pool_destroy((uintptr_t)pool);
    hook_leave(self);
}

static void client_pool_alloc(const void *pool, const void *block, size_t size)
{
    struct host_frame caller = HOOK_CALLER();
    struct self *self = client_enter();
    if (self == NULL)
        return;
    const struct pool_block made = {.start = (uintptr_t)block,
                                    .size = size,
                                    .sequence = total_sequence(),
                                    .site = capture_site(self, &caller, MTF_DOMAIN_POOLS),
                                    .thread = self->thread};
    pool_alloc((uintptr_t)pool, &made);
    hook_leave(self);
}

static void client_pool_free(const void *pool, const void *block)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    pool_free((uintptr_t)pool, (uintptr_t)block);
    hook_leave(self);
}

static void client_pool_trim(const void *pool, const void *start, size_t size)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    pool_trim((uintptr_t)pool, (uintptr_t)start, size);
    hook_leave(self);
}

static void client_pool_move(const void *pool, const void *moved)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    pool_move((uintptr_t)pool, (uintptr_t)moved);
    hook_leave(self);
}

static void client_pool_change(const void *pool, const void *block, const void *moved, size_t size)
{
    struct self *self = client_enter();
    if (self == NULL)
        return;
    pool_change((uintptr_t)pool, (uintptr_t)block, (uintptr_t)moved, size);
    hook_leave(self);
}

MT_EXPORT const struct memtrack_shim memtrack_shim_functions = {
    .size = sizeof memtrack_shim_functions,
    .leak_check = client_leak_check,
    .ignore = client_ignore,
    .ignore_begin = client_ignore_begin,
    .ignore_end = client_ignore_end,
    .root_add = client_root_add,
    .root_remove = client_root_remove,
    .phase = client_phase,
    .scope_begin = client_scope_begin,
    .scope_end = client_scope_end,
    .pool_create = client_pool_create,
    .pool_destroy = client_pool_destroy,
    .pool_alloc = client_pool_alloc,
    .pool_free = client_pool_free,
    .pool_trim = client_pool_trim,
    .pool_move = client_pool_move,
    .pool_change = client_pool_change,
};

/* ---- LeakSanitizer's names ---- */

/* As there: once, in place of the one at the end, and the process ends at once if the options give an exit code
   for what is lost. */
void __lsan_do_leak_check(void)
{
    if (lsan_is_turned_off())
        return;
    int code = start_check_for_good("__lsan_do_leak_check");
    if (code)
        _exit(code);
}

/* A pointer into a block holds it there: what is possibly lost is not. */
int __lsan_do_recoverable_leak_check(void)
{
    struct mtf_check result;
    return !lsan_is_turned_off() && client_check("__lsan_do_recoverable_leak_check", &result) &&
           check_found(&result, CLIENT_LOST);
}

void __lsan_ignore_object(const void *block)
{
    client_ignore(block);
}

void __lsan_disable(void)
{
    client_ignore_begin();
}

void __lsan_enable(void)
{
    client_ignore_end();
}

void __lsan_register_root_region(const void *start, size_t size)
{
    client_root_add(start, size);
}

void __lsan_unregister_root_region(const void *start, size_t size)
{
    client_root_remove(start, size);
}
