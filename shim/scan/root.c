#include "scan/root.h"
#include "base/boot.h"
#include "base/own.h"
#include "base/real.h"
#include "map/map.h"
#include "scan/claims.h"
#include "scan/libc_memory.h"
#include "scan/ranges.h"
#include "stack/module.h"
#include "store/file.h"

#include <string.h>
#include <sys/auxv.h>

struct root_work {
    struct reach *reach;
    const struct root_picture *picture;
    uint32_t libc; /* the module whose malloc gave the blocks, if it is glibc */
    struct ranges left_out;
};

static void root_leave_out(uintptr_t start, uintptr_t end, void *context)
{
    struct root_work *work = context;
    ranges_add(&work->left_out, start, end);
}

static void root_leave_out_mappings(struct root_work *work)
{
    const struct census *census = work->reach->census;
    for (uint32_t i = 0; i < census->count; i++) {
        const struct census_block *block = &census->blocks[i];
        if (census->states[i] & CENSUS_MAPPING)
            ranges_add(&work->left_out, block->start, block->start + block->size);
    }
}

/* The part of a stack that is not in use. Elsewhere (a coroutine on static memory) what lies below the
   stack pointer need not belong to a stack, and is scanned. */
static void root_leave_out_below(struct root_work *work, const struct stopped_thread *thread)
{
    const struct space_area *area = space_at(work->reach->space, thread->sp);
    if (thread->sp == 0 || area == NULL)
        return;
    bool own = thread->pointer >= area->start && thread->pointer < area->end;
    if (own || (area->flags & SPACE_STACK))
        ranges_add(&work->left_out, area->start, thread->sp);
}

/* The first thread's stack, once it has ended. */
static void root_leave_out_main(struct root_work *work)
{
    const struct space *space = work->reach->space;
    if (libc_memory_main_lives(work->picture->threads, work->picture->thread_count))
        return;
    for (uint32_t i = 0; i < space->count; i++) {
        if (space->areas[i].flags & SPACE_STACK)
            ranges_add(&work->left_out, space->areas[i].start, space->areas[i].end);
    }
}

static void root_collect(struct root_work *work)
{
    struct reach *reach = work->reach;
    const struct root_picture *picture = work->picture;
    own_each(root_leave_out, work);
    module_shim_range(root_leave_out, work);
    libc_memory_heaps(reach->census, reach->space, picture->glibc, &work->left_out);
    libc_memory_dead_stacks(reach->space, reach->pages, picture->threads, picture->thread_count,
                            root_leave_out, work);
    root_leave_out_mappings(work);
    for (uint32_t i = 0; i < picture->thread_count; i++)
        root_leave_out_below(work, &picture->threads[i]);
    root_leave_out_main(work);
    ranges_settle(&work->left_out);
}

static void root_scan(uintptr_t start, uintptr_t end, void *context)
{
    struct root_work *work = context;
    reach_root(work->reach, start, end);
}

/* Writable, or private: what was written before it was made read-only counts, too. */
static bool root_is_area(const struct space_area *area)
{
    return (area->flags & SPACE_READ) && !(area->flags & SPACE_UNTOLD) &&
           ((area->flags & SPACE_WRITE) || !(area->flags & SPACE_SHARED));
}

static bool root_is_in(uint32_t module, const struct space_area *area)
{
    const struct mtf_module *record = file_table(MTF_KIND_MODULES);
    record += module;
    return module && area->start >= record->start && area->start < record->end;
}

static void root_scan_space(struct root_work *work)
{
    const struct space *space = work->reach->space;
    uintptr_t allocator;
    memcpy(&allocator, &real.malloc, sizeof allocator);
    work->libc = work->picture->glibc ? module_find(allocator) : 0;
    uint32_t loader = module_find(getauxval(AT_BASE) + 1);
    for (uint32_t i = 0; i < space->count; i++) {
        const struct space_area *area = &space->areas[i];
        work->reach->here.glibc = root_is_in(work->libc, area);
        work->reach->here.loader = root_is_in(loader, area);
        if (root_is_area(area))
            ranges_each_gap(&work->left_out, area->start, area->end, root_scan, work);
    }
    work->reach->here.glibc = false;
    work->reach->here.loader = false;
}

/* A block that a thread runs on, or that holds its control block, is in use. */
static void root_scan_own_stack(struct reach *reach, const struct stopped_thread *thread)
{
    uint32_t held = thread->pointer ? census_find(reach->census, thread->pointer) : CENSUS_NONE;
    uint32_t stack = thread->sp ? census_find(reach->census, thread->sp) : CENSUS_NONE;
    if (stack != CENSUS_NONE) {
        const struct census_block *block = &reach->census->blocks[stack];
        reach_block(reach, stack, false);
        reach_root(reach, thread->sp, block->start + block->size);
    }
    if (held != CENSUS_NONE && held != stack)
        reach_block(reach, held, true);
}

static void root_scan_thread(struct reach *reach, const struct stopped_thread *thread)
{
    for (uint32_t i = 0; i < thread->register_count; i++)
        reach_word(reach, thread->registers[i]);
    root_scan_own_stack(reach, thread);
    uintptr_t vector = libc_memory_thread_vector(reach->space, thread->pointer);
    if (vector)
        reach_word(reach, vector);
}

/* glibc keeps the vector of thread-local storage of a thread that has ended, with its stack, for the next
   one; and what the thread returned, until it is joined. */
static void root_keep_dead(uintptr_t thread_pointer, void *context)
{
    struct root_work *work = context;
    uintptr_t end;
    uintptr_t vector = libc_memory_thread_vector(work->reach->space, thread_pointer);
    if (vector)
        reach_word(work->reach, vector);
    if (libc_memory_is_awaited(work->reach->space, thread_pointer, &end))
        reach_root(work->reach, thread_pointer, end);
}

/* A region that the program named: what it lies in is held, too. */
static void root_scan_region(uintptr_t start, uintptr_t end, void *context)
{
    struct root_work *work = context;
    uint32_t index = census_find(work->reach->census, start);
    if (index != CENSUS_NONE)
        reach_block(work->reach, index, false);
    reach_root(work->reach, start, end);
}

static void root_mark_ignored(struct reach *reach)
{
    claims_mark(reach->census);
    for (uint32_t i = 0; i < reach->census->count; i++) {
        if (reach->census->states[i] & CENSUS_IGNORED)
            reach_block(reach, i, true);
    }
}

/* The heap segment is left out as the allocator's, but for what the program itself got of it. */
static void root_scan_break(const struct map_piece *piece, void *context)
{
    struct root_work *work = context;
    if (piece->origin.kind == MTF_MAP_BREAK)
        reach_root(work->reach, piece->start, piece->end);
}

bool root_mark(struct reach *reach, const struct root_picture *picture)
{
    struct root_work work = {.reach = reach, .picture = picture};
    root_collect(&work);
    root_scan_space(&work);
    reach_root(reach, (uintptr_t)boot_pool, (uintptr_t)boot_pool + boot_used_bytes());
    for (uint32_t i = 0; i < picture->thread_count; i++)
        root_scan_thread(reach, &picture->threads[i]);
    libc_memory_dead_threads(reach->space, reach->pages, picture->threads, picture->thread_count,
                             root_keep_dead, &work);
    map_each(root_scan_break, &work);
    claims_each_region(root_scan_region, &work);
    root_mark_ignored(reach);
    bool whole = !work.left_out.full;
    ranges_drop(&work.left_out);
    return whole;
}
