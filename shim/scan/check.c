#include "scan/check.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/option.h"
#include "base/real.h"
#include "base/sys.h"
#include "map/map.h"
#include "scan/census.h"
#include "scan/libc_memory.h"
#include "scan/loss.h"
#include "scan/pages.h"
#include "scan/reach.h"
#include "scan/root.h"
#include "scan/space.h"
#include "stack/module.h"
#include "stack/slow.h"
#include "store/file.h"
#include "store/host.h"
#include "thread.h" /* of the architecture */
#include "track/event.h"
#include "track/live.h"
#include "track/total.h"

#include <time.h>

#define CHECK_TIME_NS 60000000000ull /* for one scan */

struct check {
    struct space space;
    struct pages pages;
    struct census census;
    struct reach reach;
};

static uintptr_t check_libc_code; /* an address in libc's code; written by check_start */

void check_start(void)
{
    void *found = real_next("exit");
    check_libc_code = (uintptr_t)found;
    libc_memory_start();
}

/* ---- the picture ---- */

static bool check_is_libc(uintptr_t pc)
{
    uint32_t module = module_find(pc);
    return module && module == module_find(check_libc_code);
}

static void check_find_self(struct stopped_thread *self, uintptr_t sp)
{
    struct slow_frame frame;
    struct slow_space *space = sys_map(sizeof *space);
    *self =
        (struct stopped_thread){.tid = sys_gettid(), .sp = sp, .pointer = arch_thread_pointer()};
    if (space && slow_outside(space, check_is_libc, &frame)) {
        self->sp = frame.sp;
        self->register_count = frame.count;
        for (uint32_t i = 0; i < frame.count; i++)
            self->registers[i] = frame.registers[i];
    }
    if (space)
        sys_unmap(space, sizeof *space);
}

static void check_add_block(const void *address, const struct live_block *block, void *context)
{
    unsigned char flags = block->sequence <= event_inherited ? CENSUS_INHERITED : 0;
    census_add(context, (uintptr_t)address, block->size, block->sequence, block->thread,
               block->site, flags);
}

/* Stacks of threads are roots as far as they are in use; what brk gave is used by whoever asked in ways
   that need no pointer to its start. */
static void check_add_mapping(const struct map_piece *piece, void *context)
{
    const struct map_origin *origin = &piece->origin;
    unsigned char flags = CENSUS_MAPPING | (origin->inherited ? CENSUS_INHERITED : 0);
    if (origin->kind != MTF_MAP_STACK && origin->kind != MTF_MAP_BREAK)
        census_add(context, piece->start, piece->end - piece->start, origin->sequence,
                   origin->thread, origin->site, flags);
}

static void check_source(struct census *census)
{
    live_each(check_add_block, census);
    map_each(check_add_mapping, census);
}

/* ---- one check ---- */

static enum mtf_check_failure check_mark(struct check *check, const struct root_picture *picture)
{
    uint64_t deadline = sys_clock_ns(CLOCK_MONOTONIC) + CHECK_TIME_NS;
    if (!reach_begin(&check->reach, &check->census, &check->space, &check->pages, deadline) ||
        !root_mark(&check->reach, picture))
        return MTF_CHECK_MEMORY;
    reach_follow(&check->reach);
    reach_cliques(&check->reach);
    return reach_late(&check->reach) ? MTF_CHECK_TIME : MTF_CHECK_COMPLETE;
}

static void check_write(struct check *check, const struct check_request *request, uint32_t index,
                        struct mtf_check *record)
{
    uint32_t *scratch = check->reach.waiting;
    record->scanned_bytes = check->reach.scanned;
    loss_sum(&check->census, record);
    if (index == UINT32_MAX)
        return;
    if (option.leak_check == OPTION_LEAK_FULL)
        loss_write(&check->census, index, scratch);
    if (request->list_blocks)
        loss_list_blocks(&check->census, index, option.samples, option.contents, scratch);
}

static enum mtf_check_failure check_conduct(struct check *check,
                                            const struct check_request *request,
                                            const struct root_picture *picture, uint32_t index,
                                            struct mtf_check *record)
{
    pages_start(&check->pages);
    if (space_read(&check->space) != 0 || !census_take(&check->census, check_source))
        return MTF_CHECK_MEMORY;
    enum mtf_check_failure failure = check_mark(check, picture);
    if (failure == MTF_CHECK_COMPLETE)
        check_write(check, request, index, record);
    return failure;
}

static void check_drop(struct check *check)
{
    pages_end(&check->pages);
    reach_end(&check->reach);
    census_drop(&check->census);
    space_drop(&check->space);
    sys_unmap(check, sizeof *check);
}

/* Index of a new record, which says that the check runs; UINT32_MAX if there is no room. */
static uint32_t check_open_record(const struct mtf_check *record)
{
    uint64_t index = file_reserve(MTF_KIND_CHECKS, 1);
    if (index == FILE_FULL)
        return UINT32_MAX;
    ((struct mtf_check *)file_table(MTF_KIND_CHECKS))[index] = *record;
    file_publish(MTF_KIND_CHECKS, index + 1);
    return (uint32_t)index;
}

static void check_close_record(uint32_t index, const struct mtf_check *record)
{
    struct mtf_check *kept = (struct mtf_check *)file_table(MTF_KIND_CHECKS) + index;
    if (index == UINT32_MAX)
        return;
    struct mtf_check almost = *record;
    almost.failure = MTF_CHECK_RUNNING;
    *kept = almost;
    store_release(&kept->failure, record->failure); /* MTF-PUBLISH */
}

static void check_in_place(const struct check_request *request,
                           const struct stopped_thread *threads, uint32_t thread_count,
                           struct mtf_check *result)
{
    struct check *check = sys_map(sizeof *check);
    struct root_picture picture = {.threads = threads,
                                   .thread_count = thread_count,
                                   .glibc = !(file_header->flags & MTF_FLAG_NEXT_ALLOCATOR)};
    uint32_t index = check_open_record(result);
    result->failure = MTF_CHECK_MEMORY;
    if (check) {
        result->failure = check_conduct(check, request, &picture, index, result);
        check_drop(check);
    }
    check_close_record(index, result);
}

void check_now(const struct check_request *request, uintptr_t sp, struct mtf_check *result)
{
    struct stopped_thread self;
    uint64_t start = sys_clock_ns(CLOCK_MONOTONIC);
    *result =
        (struct mtf_check){.sequence = total_sequence(),
                           .at_ns = host_elapsed_ns(),
                           .trigger = request->trigger,
                           .failure = MTF_CHECK_RUNNING,
                           .threads = 1,
                           .label = request->label,
                           .shown = option.leak_check == OPTION_LEAK_FULL ? option.show_kinds : 0};
    check_find_self(&self, sp);
    check_in_place(request, &self, 1, result);
    result->elapsed_ns = sys_clock_ns(CLOCK_MONOTONIC) - start;
}

bool check_found(const struct mtf_check *result, uint32_t kinds)
{
    if (result->failure != MTF_CHECK_COMPLETE)
        return false;
    for (unsigned kind = 0; kind < MTF_LEAK_LIMIT; kind++) {
        if ((kinds >> kind & 1) && result->blocks[kind] > 0)
            return true;
    }
    return false;
}
