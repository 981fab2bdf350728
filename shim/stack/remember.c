#include "stack/remember.h"
#include "base/sys.h"

#include <string.h>

#define REMEMBER_SPARE 8u /* frames and checks that a stack may grow by in place */
#define REMEMBER_BYTES_A_STACK 2048u
#define REMEMBER_CLEARS_TO_GROW 2u

static struct remember *remember_map(uint32_t size)
{
    struct remember *memory = sys_map(size);
    if (memory == NULL)
        return NULL;
    memory->size = size;
    memory->mask = size / REMEMBER_BYTES_A_STACK - 1;
    memory->used = (uint32_t)(sizeof(*memory) + (memory->mask + 1) * sizeof(struct remember_stack));
    return memory;
}

struct remember *remember_make(void)
{
    return remember_map(REMEMBER_SMALLEST);
}

void remember_clear(struct remember *memory)
{
    size_t stacks = (memory->mask + 1) * sizeof(struct remember_stack);
    memset(memory->stacks, 0, stacks);
    memory->used = (uint32_t)(sizeof(*memory) + stacks);
    memory->last = NULL;
}

/* Full once may be an unlucky mix of sizes; full again and again is a program of many stacks. */
static void remember_overflow(struct remember **memory)
{
    struct remember *old = *memory, *bigger = NULL;
    if (++old->cleared >= REMEMBER_CLEARS_TO_GROW && old->size < REMEMBER_LARGEST)
        bigger = remember_map(old->size * 2);
    if (bigger == NULL) {
        remember_clear(old);
        return;
    }
    *memory = bigger;
    sys_unmap(old, old->size);
}

struct remember_stack *remember_room(struct remember **memory, struct remember_stack *stack,
                                     uint32_t frames, uint32_t checks)
{
    if (frames <= stack->frame_room && checks <= stack->check_room)
        return stack;
    frames += REMEMBER_SPARE;
    checks += REMEMBER_SPARE;
    size_t bytes = frames * sizeof(struct remember_frame) + checks * sizeof(struct remember_check);
    if (bytes > (*memory)->size - (*memory)->used) {
        remember_overflow(memory);
        return NULL;
    }
    struct remember_frame *first = (struct remember_frame *)((char *)*memory + (*memory)->used);
    struct remember_frame *frames_end = first + frames;
    struct remember_check *checks_end = (struct remember_check *)frames_end + checks;
    if (stack->frame_count)
        memcpy(frames_end - stack->frame_count, stack->frames_end - stack->frame_count,
               stack->frame_count * sizeof(*frames_end));
    if (stack->check_count)
        memcpy(checks_end - stack->check_count, stack->checks_end - stack->check_count,
               stack->check_count * sizeof(*checks_end));
    stack->frames_end = frames_end;
    stack->checks_end = checks_end;
    stack->frame_room = frames;
    stack->check_room = checks;
    (*memory)->used += (uint32_t)bytes;
    return stack;
}
