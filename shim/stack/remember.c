#include "stack/remember.h"
#include "base/atomic.h"
#include "base/sys.h"
#include "stack/site.h"
#include "store/file.h"

#include <string.h>

#define REMEMBER_SPARE 4u     /* checks more than a stack needs, for the next one at its place */
#define REMEMBER_VARIANTS 8u  /* stacks of one innermost frame that are looked at */
#define REMEMBER_PRESSURE 16u /* evictions per stack that make it grow */
#define REMEMBER_SMALL (256u << 10)
#define REMEMBER_PART 32u /* above REMEMBER_SMALL it takes so small a part of the host's heap */

static uint32_t remember_children(const struct remember *memory)
{
    return (memory->mask + 1) * REMEMBER_CHILDREN;
}

/* Behind the header come the stacks, behind them the nodes; the rest is for checks. */
static void remember_empty(struct remember *memory)
{
    struct remember_stack *stacks_end = memory->stacks + memory->mask + 1;
    memory->children = (struct remember_child *)stacks_end;
    memory->used =
        (uint32_t)((char *)(memory->children + remember_children(memory)) - (char *)memory);
}

static struct remember *remember_map(uint32_t stacks)
{
    uint32_t size = stacks * REMEMBER_STACK_BYTES;
    struct remember *memory = sys_map(size);
    if (memory == NULL)
        return NULL;
    memory->size = size;
    memory->mask = stacks - 1;
    remember_empty(memory);
    return memory;
}

struct remember *remember_make(void)
{
    return remember_map(REMEMBER_FEWEST);
}

static void remember_drop_stacks(struct remember *memory)
{
    memset(memory->stacks, 0, (memory->mask + 1) * sizeof(*memory->stacks));
    remember_empty(memory);
}

void remember_clear(struct remember *memory)
{
    memset(memory->children, 0, remember_children(memory) * sizeof(*memory->children));
    remember_drop_stacks(memory);
}

static bool remember_may_be(uint32_t size)
{
    return size <= REMEMBER_SMALL ||
           size <= load_relaxed(&file_header->totals.peak_bytes) / REMEMBER_PART;
}

/* A few evictions may be an unlucky mix; many are a program of many stacks. */
static bool remember_grow(struct remember **memory)
{
    struct remember *old = *memory, *bigger = NULL;
    if (old->pressure > REMEMBER_PRESSURE * old->mask && old->mask < REMEMBER_MOST - 1 &&
        remember_may_be(2 * old->size))
        bigger = remember_map(2 * (old->mask + 1));
    if (bigger == NULL)
        return false;
    *memory = bigger;
    sys_unmap(old, old->size);
    return true;
}

/* The mapping is full. Each stack in it counts as evicted. */
static void remember_overflow(struct remember **memory)
{
    (*memory)->pressure += (*memory)->mask + 1;
    if (!remember_grow(memory))
        remember_drop_stacks(*memory);
}

/* Room for checks of a stack at its place; false if all places are void now. */
static bool remember_room(struct remember **memory, struct remember_stack *place, uint32_t checks)
{
    if (checks <= place->check_room)
        return true;
    checks += REMEMBER_SPARE;
    size_t bytes = checks * sizeof(struct remember_check);
    if (bytes > (*memory)->size - (*memory)->used) {
        remember_overflow(memory);
        return false;
    }
    place->checks = (struct remember_check *)((char *)*memory + (*memory)->used);
    place->check_room = checks;
    (*memory)->used += (uint32_t)bytes;
    return true;
}

/* Shall what is there go? */
static bool remember_evict(struct remember **memory, struct remember_stack *place, uint32_t node)
{
    if (place->candidate != node) {
        place->candidate = node;
        return false;
    }
    (*memory)->pressure++;
    return !remember_grow(memory);
}

void remember_store(struct remember **memory, struct remember_stack *place,
                    const struct remember_stack *stack, const struct remember_check *checks)
{
    if (place->pc && !remember_evict(memory, place, stack->node))
        return;
    place->pc = 0;
    if (!remember_room(memory, place, stack->check_count))
        return;
    struct remember_check *kept = place->checks;
    uint32_t room = place->check_room;
    for (uint32_t i = 0; i < stack->check_count; i++)
        kept[i] = checks[stack->check_count - 1 - i];
    *place = *stack;
    place->checks = kept;
    place->check_room = room;
}

uint32_t remember_site_slow(struct remember_stack *stack, enum mtf_domain domain)
{
    stack->sites[domain] = site_at(stack->node, domain);
    return stack->sites[domain];
}

/* Where a stack lies that differs from the one found before it in a word: in the fp at its start, or in
   the word of a check. */
static struct remember_stack *remember_variant(struct remember *memory,
                                               const struct host_frame *caller, uint32_t check,
                                               uintptr_t word)
{
    uint64_t hash = (word + check) * 0xff51afd7ed558ccdull; /* of MurmurHash3 */
    return remember_slot(memory, caller->pc ^ (hash >> 20), caller->sp);
}

struct remember_stack *remember_find(struct remember *memory, const struct probe *probe,
                                     const struct host_frame *caller, struct remember_stack **place)
{
    struct remember_stack *stack = remember_slot(memory, caller->pc, caller->sp);
    for (uint32_t i = 0; i < REMEMBER_VARIANTS; i++) {
        *place = stack;
        if (stack->pc != caller->pc || stack->sp != caller->sp)
            return NULL;
        if (stack->fp_needed && stack->fp != caller->fp) {
            stack = remember_variant(memory, caller, UINT32_MAX, caller->fp);
            continue;
        }
        if (!probe_covers(probe, stack->sp, stack->highest))
            return NULL;
        uint32_t held = remember_verify(stack->checks, stack->check_count);
        if (held == stack->check_count)
            return stack;
        stack =
            remember_variant(memory, caller, held, *(const uintptr_t *)stack->checks[held].address);
    }
    return NULL;
}
