#include "scan/scope.h"
#include "base/heap.h"
#include "store/file.h"
#include "store/host.h"
#include "track/live.h"
#include "track/total.h"

struct scope_work {
    uint64_t begin;
    uint32_t thread;
    uint64_t blocks;
    uint64_t bytes;
    uint64_t sites;
    uint32_t *slots; /* per site: 1 + the number of its loss record */
    uint32_t slot_count;
    struct mtf_loss *losses;
};

static bool scope_holds(const struct scope_work *work, const struct live_block *block)
{
    return block->sequence > work->begin &&
           (work->thread == SCOPE_ALL_THREADS || block->thread == work->thread);
}

static void scope_count(const void *address, const struct live_block *block, void *context)
{
    struct scope_work *work = context;
    (void)address;
    if (!scope_holds(work, block))
        return;
    work->blocks++;
    work->bytes += block->size;
    if (work->slots && block->site < work->sites && work->slots[block->site] == 0)
        work->slots[block->site] = ++work->slot_count;
}

static void scope_add(const void *address, const struct live_block *block, void *context)
{
    struct scope_work *work = context;
    (void)address;
    uint32_t slot = block->site < work->sites ? work->slots[block->site] : 0;
    if (slot == 0 || !scope_holds(work, block))
        return;
    struct mtf_loss *loss = &work->losses[slot - 1];
    loss->site = block->site;
    loss->blocks++;
    loss->bytes += block->size;
}

/* Other threads may have freed and allocated since the first pass: only what was met then is listed. */
static void scope_write_losses(struct scope_work *work, uint32_t check)
{
    uint64_t first = file_reserve(MTF_KIND_LOSSES, work->slot_count);
    if (first == FILE_FULL)
        return;
    work->losses = (struct mtf_loss *)file_table(MTF_KIND_LOSSES) + first;
    for (uint32_t i = 0; i < work->slot_count; i++)
        work->losses[i] = (struct mtf_loss){.check = check, .kind = MTF_LEAK_UNKNOWN};
    live_each(scope_add, work);
    file_publish(MTF_KIND_LOSSES, first + work->slot_count);
}

static void scope_write(struct scope_work *work, mtf_name_ref label)
{
    uint64_t index = file_reserve(MTF_KIND_CHECKS, 1);
    if (index == FILE_FULL)
        return;
    struct mtf_check *check = (struct mtf_check *)file_table(MTF_KIND_CHECKS) + index;
    *check = (struct mtf_check){.sequence = total_sequence(),
                                .at_ns = host_elapsed_ns(),
                                .trigger = MTF_CHECK_SCOPE,
                                .label = label,
                                .shown = 1u << MTF_LEAK_UNKNOWN};
    check->blocks[MTF_LEAK_UNKNOWN] = work->blocks;
    check->bytes[MTF_LEAK_UNKNOWN] = work->bytes;
    file_publish(MTF_KIND_CHECKS, index + 1);
    if (work->slots)
        scope_write_losses(work, (uint32_t)index);
}

uint64_t scope_end(mtf_name_ref label, uint64_t begin, uint32_t thread)
{
    struct scope_work work = {
        .begin = begin, .thread = thread, .sites = file_count(MTF_KIND_SITES)};
    if (total_sequence() == begin)
        return 0; /* nothing was allocated at all */
    work.slots = heap_alloc(work.sites * sizeof *work.slots);
    live_each(scope_count, &work);
    if (work.blocks)
        scope_write(&work, label);
    heap_free(work.slots, work.sites * sizeof *work.slots);
    return work.blocks;
}
