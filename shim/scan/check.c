#include "scan/check.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/option.h"
#include "base/real.h"
#include "base/sys.h"
#include "map/map.h"
#include "scan/all_locks.h"
#include "scan/census.h"
#include "scan/copy.h"
#include "scan/freeze.h"
#include "scan/libc_memory.h"
#include "scan/loss.h"
#include "scan/pages.h"
#include "scan/pieces.h"
#include "scan/pool.h"
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
#include "track/moving.h"
#include "track/thread.h"
#include "track/total.h"

#include <fcntl.h>
#include <time.h>

#define CHECK_TIME_NS 60000000000ull /* for one scan */
#define CHECK_MOVES_NS 500000000ull  /* for reallocs to come to their end */
#define CHECK_MOVES_LOOK_NS 200000ull

struct check {
    struct space space;
    struct pages pages;
    struct census census;
    struct reach reach;
};

/* What a check looks at. */
struct check_picture {
    struct stopped_thread self;
    struct stopped_thread *threads; /* this one first */
    uint32_t thread_count;
    uint32_t index; /* of the record in CHECKS; UINT32_MAX if there is none */
    size_t room;    /* bytes of `threads`, where they are not `self` alone */
    struct freeze freeze;
    uint64_t began_ns;
    uint64_t froze_ns;
};

static struct copy
    check_copy; /* the one that runs, or has ended and was not collected. LOCK_START */
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

static void check_find_self(struct stopped_thread *self, const struct check_request *request,
                            uintptr_t sp)
{
    struct slow_frame frame;
    if (request->interrupted) {
        *self = *request->interrupted;
        return;
    }
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

static void check_add_pooled(const struct pool_block *block, void *context)
{
    unsigned char flags = CENSUS_POOLED | (block->inherited ? CENSUS_INHERITED : 0) |
                          (block->ignored ? CENSUS_IGNORED : 0);
    census_add(context, block->start, block->size, block->sequence, block->thread, block->site,
               flags);
}

_Static_assert(CENSUS_AREA_SHIFT == LIVE_AREA_SHIFT, "areas of one are counted for the other");

static void check_count_area(uint64_t number, uint64_t blocks, void *context)
{
    census_expect(context, number, blocks);
}

static void check_source(struct census *census)
{
    if (census_is_counting(census))
        live_each_area(check_count_area, census);
    else
        live_each(check_add_block, census);
    map_each(check_add_mapping, census);
    pool_each(check_add_pooled, census);
}

/* ---- one check ---- */

static enum mtf_check_failure check_mark(struct check *check, const struct root_picture *picture)
{
    uint64_t deadline = sys_clock_ns(CLOCK_MONOTONIC) + CHECK_TIME_NS;
    if (!reach_begin(&check->reach, &check->census, &check->space, &check->pages, deadline) ||
        !root_mark(&check->reach, picture))
        return MTF_CHECK_MEMORY;
    reach_follow(&check->reach);
    pieces_follow(&check->reach);
    reach_cliques(&check->reach);
    return reach_late(&check->reach) ? MTF_CHECK_TIME : MTF_CHECK_COMPLETE;
}

/* The first bytes of blocks are kept among the names, of which a copy of the process cannot make any. */
static uint32_t check_contents(void)
{
    return check_copy.shared ? 0 : option.contents;
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
    if (!request->keeps_list)
        loss_list_blocks(&check->census, index, option.samples, check_contents(), scratch);
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

/* A new record, which says that the check runs; none if there is no room. */
static void check_open_record(struct check_picture *picture, const struct mtf_check *record)
{
    uint64_t index = file_reserve(MTF_KIND_CHECKS, 1);
    picture->index = UINT32_MAX;
    if (index == FILE_FULL)
        return;
    picture->index = (uint32_t)index;
    ((struct mtf_check *)file_table(MTF_KIND_CHECKS))[index] = *record;
    file_publish(MTF_KIND_CHECKS, index + 1);
}

static void check_close_record(const struct check_picture *picture, struct mtf_check *record)
{
    struct mtf_check *kept = (struct mtf_check *)file_table(MTF_KIND_CHECKS) + picture->index;
    if (record->elapsed_ns == 0)
        record->elapsed_ns = sys_clock_ns(CLOCK_MONOTONIC) - picture->began_ns;
    if (picture->index == UINT32_MAX)
        return;
    struct mtf_check almost = *record;
    almost.failure = MTF_CHECK_RUNNING;
    *kept = almost;
    store_release(&kept->failure, record->failure); /* MTF-PUBLISH */
}

/* Scans the process that it runs in, of which nothing else must run. */
static void check_scan(const struct check_request *request, const struct check_picture *picture,
                       struct mtf_check *record)
{
    struct check *check = sys_map(sizeof *check);
    const struct root_picture roots = {.threads = picture->threads,
                                       .thread_count = picture->thread_count,
                                       .glibc = !(file_header->flags & MTF_FLAG_NEXT_ALLOCATOR)};
    record->failure = MTF_CHECK_MEMORY;
    if (check) {
        record->failure = check_conduct(check, request, &roots, picture->index, record);
        check_drop(check);
    }
}

static void check_begin_record(const struct check_request *request, struct mtf_check *record)
{
    *record =
        (struct mtf_check){.sequence = total_sequence(),
                           .at_ns = host_elapsed_ns(),
                           .trigger = request->trigger,
                           .failure = MTF_CHECK_RUNNING,
                           .threads = 1,
                           .label = request->label,
                           .shown = option.leak_check == OPTION_LEAK_FULL ? option.show_kinds : 0};
}

/* ---- in a copy of the process ---- */

/* Room for what the copy will write: it cannot make any. */
static bool check_reserve(const struct check_request *request)
{
    uint64_t blocks = live_count() + map_count() + pool_count(), sites = file_count(MTF_KIND_SITES);
    uint64_t losses = sites * MTF_LEAK_LIMIT < blocks ? sites * MTF_LEAK_LIMIT : blocks;
    uint64_t listed = sites * option.samples < blocks ? sites * option.samples : blocks;
    if (option.leak_check == OPTION_LEAK_FULL && file_reserve(MTF_KIND_LOSSES, losses) == FILE_FULL)
        return false;
    return request->keeps_list || file_reserve(MTF_KIND_BLOCKS, listed) != FILE_FULL;
}

/* All locks are held, and all threads stand still. Does not return in the copy. */
static enum mtf_check_failure check_copy_process(const struct check_request *request,
                                                 const struct check_picture *picture,
                                                 struct mtf_check *record)
{
    int made = copy_make(&check_copy);
    if (made != 0)
        return made > 0 ? MTF_CHECK_COMPLETE : MTF_CHECK_PROCESS;
    record->pause_ns = sys_clock_ns(CLOCK_MONOTONIC) - picture->froze_ns;
    all_locks_reset(true);
    check_scan(request, picture, record);
    check_close_record(picture, record);
    copy_end(&check_copy, record);
}

/* What the copy has published is known to it and to the file, not yet to our own counts. */
static bool check_collect(struct mtf_check *record)
{
    bool done = copy_wait(&check_copy, CHECK_TIME_NS, record);
    file_adopt(MTF_KIND_LOSSES);
    file_adopt(MTF_KIND_BLOCKS);
    return done;
}

void check_settle(void)
{
    struct mtf_check record;
    if (check_copy.pid)
        check_collect(&record);
}

bool check_is_done(void)
{
    return check_copy.pid == 0 || copy_is_done(&check_copy);
}

void check_fork_child(void)
{
    check_copy = (struct copy){.pid = 0};
}

/* ---- the picture ---- */

/* Other threads stand still from here on, and hold none of our locks; false: they do not. */
static bool check_stop(struct check_picture *picture)
{
    picture->froze_ns = sys_clock_ns(CLOCK_MONOTONIC);
    lock_critical++; /* a handler that interrupts this thread must not wait for what it holds */
    all_locks_hold();
    if (freeze_begin(&picture->freeze))
        return true;
    all_locks_release();
    lock_critical--;
    return false;
}

static void check_go_on(struct check_picture *picture)
{
    freeze_end(&picture->freeze);
    all_locks_release();
    lock_critical--;
}

/* Until those that are inside realloc have left it. */
static void check_await_moves(void)
{
    uint64_t deadline = sys_clock_ns(CLOCK_MONOTONIC) + CHECK_MOVES_NS;
    bool moves = true;
    while (moves && sys_clock_ns(CLOCK_MONOTONIC) < deadline) {
        struct timespec look = {.tv_nsec = CHECK_MOVES_LOOK_NS};
        SYS2(SYS_nanosleep, &look, NULL);
        thread_fork_prepare();
        moves = thread_moves();
        thread_fork_parent();
    }
}

/* Where a thread stands inside realloc the picture lacks a block, and another one is taken: nobody begins a realloc
   meanwhile, as all have met the shut gate when they go on. */
static bool check_freeze(struct check_picture *picture)
{
    bool stopped = check_stop(picture);
    if (stopped && thread_moves()) {
        moving_shut();
        check_go_on(picture);
        check_await_moves();
        stopped = check_stop(picture);
    }
    moving_open();
    if (!stopped)
        return false;
    picture->room = (picture->freeze.count + 1) * sizeof *picture->threads;
    picture->threads = sys_map(picture->room);
    if (picture->threads == NULL) {
        check_go_on(picture);
        return false;
    }
    picture->threads[0] = picture->self;
    picture->thread_count = 1 + freeze_threads(&picture->freeze, picture->threads + 1);
    return true;
}

static void check_thaw(struct check_picture *picture, struct mtf_check *record)
{
    freeze_end(&picture->freeze);
    record->pause_ns = sys_clock_ns(CLOCK_MONOTONIC) - picture->froze_ns;
    sys_unmap(picture->threads, picture->room);
}

static bool check_can_see(void)
{
    int fd = sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0)
        sys_close(fd);
    return fd >= 0;
}

/* Where all threads stand in our handler none of them is inside one of our locks; then, at the end, when
   nobody waits for the host, it needs no copy. */
static void check_with_threads(const struct check_request *request, struct check_picture *picture,
                               struct mtf_check *record)
{
    record->failure = check_can_see() ? MTF_CHECK_THREADS : MTF_CHECK_UNSEEN;
    if (record->failure == MTF_CHECK_UNSEEN || !check_reserve(request) || !check_freeze(picture))
        return;
    record->threads = picture->thread_count;
    bool whole = !load_relaxed(&copy_lacks_memory);
    bool in_place = (request->at_end || !whole) && picture->freeze.all_parked;
    if (!in_place && whole)
        record->failure = check_copy_process(request, picture, record);
    all_locks_release();
    lock_critical--;
    if (in_place)
        check_scan(request, picture, record);
    check_thaw(picture, record);
}

static void check_alone(const struct check_request *request, struct check_picture *picture,
                        struct mtf_check *record)
{
    picture->threads = &picture->self;
    picture->thread_count = 1;
    check_scan(request, picture, record);
    record->pause_ns = sys_clock_ns(CLOCK_MONOTONIC) - picture->began_ns;
}

void check_now(const struct check_request *request, uintptr_t sp, struct mtf_check *result)
{
    struct check_picture picture = {.began_ns = sys_clock_ns(CLOCK_MONOTONIC)};
    check_settle();
    check_begin_record(request, result);
    check_find_self(&picture.self, request, sp);
    check_open_record(&picture, result);
    if (request->turned_off)
        result->failure = MTF_CHECK_OFF;
    else if (load_relaxed(&sys_confined))
        result->failure = MTF_CHECK_CONFINED;
    else if (freeze_is_alone())
        check_alone(request, &picture, result);
    else
        check_with_threads(request, &picture, result);
    if (check_copy.pid && !check_collect(result))
        result->failure = MTF_CHECK_TIME;
    check_close_record(&picture, result);
}

bool check_begin(const struct check_request *request)
{
    struct check_picture picture = {.began_ns = sys_clock_ns(CLOCK_MONOTONIC)};
    struct mtf_check record;
    if (!check_is_done())
        return false;
    check_settle();
    check_begin_record(request, &record);
    check_find_self(&picture.self, request, 0);
    check_open_record(&picture, &record);
    if (option.leak_check == OPTION_LEAK_NO)
        record.failure = MTF_CHECK_OFF;
    else if (load_relaxed(&sys_confined))
        record.failure = MTF_CHECK_CONFINED;
    else
        check_with_threads(request, &picture, &record);
    if (check_copy.pid == 0) /* otherwise the copy does */
        check_close_record(&picture, &record);
    return true;
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
