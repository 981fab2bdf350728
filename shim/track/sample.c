#include "track/sample.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/real.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "store/file.h"
#include "track/event.h"
#include "track/live.h"

/* Larger blocks may be mappings of their own, which another thread's free takes away at once. */
#define SAMPLE_ASK_MAX (64u << 10)

struct sample_work {
    uint16_t *taken; /* per site */
    uint64_t sites;
    uint64_t room;  /* blocks that can be kept */
    uint64_t count; /* blocks kept */
    uint32_t limit;
};

static bool sample_wants(struct sample_work *work, const struct live_block *block)
{
    if (block->sequence <= event_inherited || block->site >= work->sites ||
        work->taken[block->site] >= work->limit)
        return false;
    work->taken[block->site]++;
    return true;
}

static void sample_count(const void *address, const struct live_block *block, void *context)
{
    struct sample_work *work = context;
    (void)address;
    if (sample_wants(work, block))
        work->room++;
}

static void sample_keep(const void *address, const struct live_block *block, void *context)
{
    struct sample_work *work = context;
    if (work->count == work->room || !sample_wants(work, block))
        return;
    struct mtf_block *record = (struct mtf_block *)file_table(MTF_KIND_BLOCKS) + work->count++;
    record->address = (uintptr_t)address;
    record->size = block->size;
    record->sequence = block->sequence;
    record->site = block->site;
    record->thread = block->thread;
    record->usable = 0;
}

/* Asks the allocator, outside of our locks, where its answer cannot fault. */
void sample_ask_usable(uint64_t count)
{
    struct mtf_block *record = file_table(MTF_KIND_BLOCKS);
    for (uint64_t i = 0; i < count; i++, record++) {
        void *address = (void *)(uintptr_t)record->address;
        if (!*lock_single && record->size > SAMPLE_ASK_MAX)
            continue;
        if (sys_readable(address) && sys_readable((const char *)address - sizeof(size_t)))
            record->usable = real.malloc_usable_size(address);
    }
}

static void sample_into(struct sample_work *work)
{
    live_each(sample_count, work);
    if (file_reserve(MTF_KIND_BLOCKS, work->room) == FILE_FULL)
        return;
    for (uint64_t i = 0; i < work->sites; i++)
        work->taken[i] = 0;
    live_each(sample_keep, work);
    sample_ask_usable(work->count);
    file_publish(MTF_KIND_BLOCKS, work->count);
}

void sample_live_blocks(uint32_t limit)
{
    struct sample_work work = {.sites = file_count(MTF_KIND_SITES), .limit = limit};
    file_clear(MTF_KIND_BLOCKS);
    work.taken = heap_alloc(work.sites * sizeof *work.taken);
    if (work.taken == NULL)
        return;
    sample_into(&work);
    heap_free(work.taken, work.sites * sizeof *work.taken);
}
