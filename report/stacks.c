#include "stacks.h"

#include <errno.h>
#include <stdlib.h>

static int path_reserve(struct stacks *stacks, size_t count)
{
    if (count <= stacks->room)
        return 0;
    uint32_t *path = realloc(stacks->path, 2 * count * sizeof path[0]);
    if (path == NULL)
        return -ENOMEM;
    stacks->path = path;
    stacks->room = 2 * count;
    return 0;
}

static int path_word(struct stacks *stacks, const char *word)
{
    int error = functions_word(stacks->functions, word, &stacks->path[stacks->count]);
    stacks->count += error == 0;
    return error;
}

int stacks_read(struct stacks *stacks, uint32_t site)
{
    struct frame_stack *stack = &stacks->stack;
    int error = frames_stack(stacks->frames, stacks->snapshot->sites[site].node, stack);
    if (error == 0)
        error = path_reserve(stacks, stack->count + 2);
    stacks->count = 0;
    for (size_t i = 0; i < stack->count && error == 0; i++) {
        const struct frame *frame = &stack->frames[i];
        if (stacks->fold && frame_stack_hides(stack, frame))
            continue;
        error =
            functions_id(stacks->functions, stacks->snapshot, frame, &stacks->path[stacks->count]);
        stacks->count += error == 0;
    }
    if (error == 0 && stack->count == 0)
        error = path_word(stacks, "unknown call site");
    if (error == 0 && stack->cut)
        error = path_word(stacks, "(stack cut at the depth limit)");
    return error;
}

void stacks_free(struct stacks *stacks)
{
    free(stacks->path);
    frame_stack_free(&stacks->stack);
    stacks->path = NULL;
    stacks->count = stacks->room = 0;
}
