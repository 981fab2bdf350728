#include "leak_known.h"
#include "gate/suppress.h"
#include "gate/trace.h"

#include <errno.h>
#include <stdlib.h>

static void known_move(struct snapshot *snapshot, struct snapshot_loss *loss)
{
    struct snapshot_check *check = &snapshot->checks[loss->check];
    if (check->blocks[loss->kind] < loss->blocks || check->bytes[loss->kind] < loss->bytes)
        return; /* a damaged file */
    check->blocks[loss->kind] -= loss->blocks;
    check->bytes[loss->kind] -= loss->bytes;
    check->blocks[MTF_LEAK_IGNORED] += loss->blocks;
    check->bytes[MTF_LEAK_IGNORED] += loss->bytes;
    loss->kind = MTF_LEAK_IGNORED;
}

static bool known_is_lost(enum mtf_leak_kind kind)
{
    return kind == MTF_LEAK_DEFINITE || kind == MTF_LEAK_INDIRECT || kind == MTF_LEAK_POSSIBLE;
}

static int known_loss(struct snapshot *snapshot, struct frames *frames, struct suppress *suppress,
                      struct frame_stack *stack, struct snapshot_loss *loss)
{
    int error = frames_stack(frames, snapshot->sites[loss->site].node, stack);
    if (error != 0)
        return error;
    struct trace *trace = trace_make(stack, snapshot);
    if (trace == NULL)
        return -ENOMEM;
    if (suppress_find(suppress, trace, loss->kind) != NULL)
        known_move(snapshot, loss);
    trace_free(trace);
    return 0;
}

int leak_known_apply(struct snapshot *snapshot, struct frames *frames)
{
    struct suppress suppress = {0};
    struct frame_stack stack = {0};
    char message[SNAPSHOT_MESSAGE_SIZE];
    const struct snapshot_name *text = &snapshot->suppressions;
    int error = 0;
    if (text->length == 0)
        return 0;
    if (suppress_parse(&suppress, "__lsan_default_suppressions", text->bytes, text->length, message,
                       sizeof message) != 0)
        return 0;
    for (uint32_t i = 0; i < snapshot->loss_count && error == 0; i++) {
        if (known_is_lost(snapshot->losses[i].kind))
            error = known_loss(snapshot, frames, &suppress, &stack, &snapshot->losses[i]);
    }
    frame_stack_free(&stack);
    suppress_free(&suppress);
    return error;
}
