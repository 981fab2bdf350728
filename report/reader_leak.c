#include "reader_part.h"

#include <stdlib.h>
#include <string.h>

static int reader_block(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_block *from = record;
    struct snapshot_block *to = target;
    if (from->site >= reader->snapshot->site_count ||
        from->thread >= reader->snapshot->thread_count || from->kind >= MTF_LEAK_LIMIT)
        return reader_damaged(reader, "block", index);
    to->address = from->address;
    to->size = from->size;
    to->usable = from->usable;
    to->sequence = from->sequence;
    to->site = from->site;
    to->thread = from->thread;
    to->kind = (enum mtf_leak_kind)from->kind;
    to->holder = from->holder;
    to->place = index;
    return reader_name(reader, from->contents, &to->contents);
}

static int block_compare(const void *left, const void *right)
{
    const struct snapshot_block *a = left, *b = right;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* A reference to a block as the file has it, 1 + its place there, becomes one to the sorted array.
   What refers behind the end refers to a block that a live process added since: to none. */
static uint32_t block_moved(const uint32_t *moved, uint32_t count, uint32_t reference)
{
    return reference == 0 || reference > count ? 0 : moved[reference - 1] + 1;
}

/* Where each block of the file went when they were sorted. */
static uint32_t *blocks_sort(struct snapshot *snapshot)
{
    uint32_t *moved = calloc((size_t)snapshot->block_count + 1, sizeof moved[0]);
    if (moved == NULL)
        return NULL;
    qsort(snapshot->blocks, snapshot->block_count, sizeof snapshot->blocks[0], block_compare);
    for (uint32_t i = 0; i < snapshot->block_count; i++)
        moved[snapshot->blocks[i].place] = i;
    for (uint32_t i = 0; i < snapshot->block_count; i++)
        snapshot->blocks[i].holder =
            block_moved(moved, snapshot->block_count, snapshot->blocks[i].holder);
    return moved;
}

static int reader_check(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_check *from = record;
    struct snapshot_check *to = target;
    if (from->failure >= MTF_CHECK_FAILURE_LIMIT || from->trigger > MTF_CHECK_SCOPE)
        return reader_damaged(reader, "leak check", index);
    to->sequence = from->sequence;
    to->at_ns = from->at_ns;
    to->elapsed_ns = from->elapsed_ns;
    to->pause_ns = from->pause_ns;
    to->scanned_bytes = from->scanned_bytes;
    memcpy(to->blocks, from->blocks, sizeof to->blocks);
    memcpy(to->bytes, from->bytes, sizeof to->bytes);
    to->trigger = (enum mtf_check_trigger)from->trigger;
    to->failure = (enum mtf_check_failure)from->failure;
    to->threads = from->threads;
    to->unread_regions = from->unread_regions;
    to->shown = from->shown;
    return reader_name(reader, from->label, &to->label);
}

static int reader_loss(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_loss *from = record;
    struct snapshot_loss *to = target;
    if (from->check >= reader->snapshot->check_count ||
        from->site >= reader->snapshot->site_count || from->kind >= MTF_LEAK_LIMIT)
        return reader_damaged(reader, "loss record", index);
    to->check = from->check;
    to->site = from->site;
    to->kind = (enum mtf_leak_kind)from->kind;
    to->example = from->example;
    to->blocks = from->blocks;
    to->bytes = from->bytes;
    to->indirect_blocks = from->indirect_blocks;
    to->indirect_bytes = from->indirect_bytes;
    return 0;
}

static int loss_compare(const void *left, const void *right)
{
    const struct snapshot_loss *a = left, *b = right;
    if (a->check != b->check)
        return a->check < b->check ? -1 : 1;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Drops the losses of checks that came to no end, and gives each check its own. */
static void losses_sort(struct snapshot *snapshot, const uint32_t *moved)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < snapshot->loss_count; i++) {
        struct snapshot_loss *loss = &snapshot->losses[i];
        if (snapshot->checks[loss->check].failure != MTF_CHECK_COMPLETE)
            continue;
        loss->example = block_moved(moved, snapshot->block_count, loss->example);
        snapshot->losses[kept++] = *loss;
    }
    snapshot->loss_count = kept;
    qsort(snapshot->losses, kept, sizeof snapshot->losses[0], loss_compare);
    for (uint32_t i = 0; i < kept; i++) {
        struct snapshot_check *check = &snapshot->checks[snapshot->losses[i].check];
        if (check->loss_count++ == 0)
            check->first_loss = i;
    }
}

static const struct reader_plan plan_blocks = {MTF_KIND_BLOCKS, sizeof(struct mtf_block),
                                               sizeof(struct snapshot_block), false, reader_block};
static const struct reader_plan plan_checks = {MTF_KIND_CHECKS, sizeof(struct mtf_check),
                                               sizeof(struct snapshot_check), false, reader_check};
static const struct reader_plan plan_losses = {MTF_KIND_LOSSES, sizeof(struct mtf_loss),
                                               sizeof(struct snapshot_loss), false, reader_loss};

int reader_leaks(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    void *array;
    int error = reader_table(reader, &plan_blocks, &array, &to->block_count);
    to->blocks = array;
    if (error == 0) {
        error = reader_table(reader, &plan_checks, &array, &to->check_count);
        to->checks = array;
    }
    if (error == 0) {
        error = reader_table(reader, &plan_losses, &array, &to->loss_count);
        to->losses = array;
    }
    if (error != 0)
        return error;
    uint32_t *moved = blocks_sort(to);
    if (moved == NULL)
        return reader_out_of_memory(reader);
    losses_sort(to, moved);
    free(moved);
    return 0;
}
