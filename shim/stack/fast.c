#include "stack/fast.h"
#include "memtrack/format.h"
#include "stack/module.h"
#include "stack/rule.h"
#include "stack/site.h"

#include <string.h>

enum fast_end {
    FAST_GOING,
    FAST_ENDED,  /* the outermost frame was reached */
    FAST_CUT,    /* there are more frames than are kept */
    FAST_JOINED, /* from here on the stack is as remembered */
    FAST_LOST,   /* libunwind has to look */
};

/* A walk from the innermost frame outwards. `pc`, `sp` and `fp` are where it stands. */
struct fast_walk {
    struct remember_frame *frames; /* new ones, innermost first */
    uint32_t count;
    uint32_t kept; /* of them, those that are not the shim's own */
    enum fast_end end;
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;
    uintptr_t highest; /* word of the stack that was read */
    struct probe *probe;
    uint32_t epoch;
    const struct remember_stack *known; /* what may be joined; NULL if nothing */
    uint32_t next;                      /* innermost frame of `known` not yet passed */
};

static const struct remember_frame *known_frames(const struct remember_stack *stack)
{
    return stack->frames_end - stack->frame_count;
}

/* ---- joining ---- */

/* The frame whose check is the index-th: it is as remembered, what is outside of it is not. */
static uint32_t fast_frame_of_check(const struct remember_stack *known, uint32_t frame,
                                    uint32_t index)
{
    const struct remember_frame *frames = known_frames(known);
    uint32_t left = known->check_count - index;
    while (frame + 1 < known->frame_count && frames[frame + 1].checks >= left)
        frame++;
    return frame;
}

/* Is the rest of the stack as remembered? The walk stands at a frame that was not passed yet. */
static bool fast_join(struct fast_walk *walk)
{
    const struct remember_stack *known = walk->known;
    const struct remember_frame *frames = known_frames(known);
    while (walk->next < known->frame_count && frames[walk->next].sp < walk->sp)
        walk->next++;
    if (walk->next == known->frame_count)
        return false;
    const struct remember_frame *frame = &frames[walk->next];
    if (frame->sp != walk->sp || frame->pc != walk->pc ||
        (frame->fp_needed && frame->fp != walk->fp) ||
        walk->kept + (known->frame_count - walk->next) > capture_depth)
        return false;
    uint32_t failed = remember_verify(known, known->check_count - frame->checks);
    if (failed == known->check_count)
        return true;
    walk->next = fast_frame_of_check(known, walk->next, failed) + 1;
    return false;
}

/* ---- walking ---- */

/* To the caller's frame. False: a word that it needs cannot be read, or the stack does not go up.
 */
static bool fast_step(struct fast_walk *walk, rule_bits rule)
{
    uintptr_t cfa = (rule & RULE_FROM_FP ? walk->fp : walk->sp) + rule_cfa_offset(rule);
    uintptr_t slot = cfa - rule_slot_depth(rule);
    if (MT_UNLIKELY(cfa <= walk->sp || !probe_read(walk->probe, cfa - sizeof(cfa), &walk->pc)))
        return false;
    if (rule & RULE_FP_SAVED &&
        MT_UNLIKELY(slot < walk->sp || !probe_read(walk->probe, slot, &walk->fp)))
        return false;
    walk->sp = cfa;
    walk->highest = cfa - sizeof(cfa);
    return true;
}

static enum fast_end fast_follow(struct fast_walk *walk, rule_bits rule)
{
    switch (rule_kind(rule)) {
    case RULE_STEP:
        if (!fast_step(walk, rule))
            return FAST_LOST;
        return walk->pc ? FAST_GOING : FAST_ENDED;
    case RULE_END:
    case RULE_BOTTOM:
    case RULE_BARE:
    case RULE_UNCOVERED:
        return FAST_ENDED;
    default:
        return FAST_LOST;
    }
}

static void fast_walk_frames(struct fast_walk *walk)
{
    while (walk->end == FAST_GOING) {
        if (walk->known && fast_join(walk)) {
            walk->end = FAST_JOINED;
            return;
        }
        rule_bits rule = rule_find(walk->pc, walk->epoch);
        if ((walk->kept == capture_depth && !(rule & RULE_SHIM)) ||
            walk->count > CAPTURE_DEPTH_MAX) {
            walk->end = FAST_CUT;
            return;
        }
        struct remember_frame *frame = &walk->frames[walk->count++];
        frame->pc = walk->pc;
        frame->sp = walk->sp;
        frame->fp = walk->fp;
        frame->rule = rule;
        if (MT_LIKELY(!(rule & RULE_SHIM)))
            walk->kept++;
        walk->end = fast_follow(walk, rule);
    }
}

/* ---- interning ---- */

static MT_NOINLINE uint32_t fast_node_slow(const struct remember_frame *frame, uint32_t parent)
{
    if (frame->rule & RULE_SHIM)
        return parent;
    uint32_t module = rule_module(frame->rule);
    uint32_t flags = rule_kind(frame->rule) == RULE_BOTTOM ? MTF_NODE_EXACT : 0;
    return site_node(parent, module, frame->pc - module_bias(module), flags);
}

/* The trie is large and far away; what was met lately is near. Where no module is, one may come. */
static uint32_t fast_node(struct remember *memory, const struct remember_frame *frame,
                          uint32_t parent)
{
    if (MT_UNLIKELY(memory == NULL || frame->rule & RULE_SHIM ||
                    rule_kind(frame->rule) == RULE_UNCOVERED))
        return fast_node_slow(frame, parent);
    struct remember_child *child = remember_child_slot(memory, parent, frame->pc);
    if (MT_LIKELY(child->pc == frame->pc && child->parent == parent))
        return child->node;
    uint32_t node = fast_node_slow(frame, parent);
    if (node)
        *child = (struct remember_child){frame->pc, parent, node};
    return node;
}

/* The node outside of the new frames; UINT32_MAX if the trie is full. */
static uint32_t fast_root(const struct fast_walk *walk)
{
    if (walk->end == FAST_JOINED)
        return known_frames(walk->known)[walk->next].node;
    if (walk->end != FAST_CUT)
        return 0;
    uint32_t cut = site_node(0, 0, 0, MTF_NODE_CUT);
    return cut ? cut : UINT32_MAX;
}

/* Nodes of the new frames, from the outermost inwards. The innermost one's; 0 if the trie is full.
 */
static uint32_t fast_intern(struct remember *memory, const struct fast_walk *walk)
{
    uint32_t node = fast_root(walk);
    for (uint32_t i = walk->count; i-- > 0 && node != UINT32_MAX;) {
        uint32_t inner = fast_node(memory, &walk->frames[i], node);
        if (inner == 0 && !(walk->frames[i].rule & RULE_SHIM))
            return 0;
        walk->frames[i].node = node = inner;
    }
    return node == UINT32_MAX ? 0 : node;
}

/* ---- remembering ---- */

/* Writes a frame's checks in front of `check`; what is outside of it stands behind. */
static struct remember_check *fast_check_frame(const struct remember_frame *frame,
                                               const struct fast_walk *outside, bool fp_needed,
                                               struct remember_check *check)
{
    if (rule_kind(frame->rule) != RULE_STEP)
        return check;
    *--check = (struct remember_check){outside->sp - sizeof(uintptr_t), outside->pc};
    if (frame->rule & RULE_FP_SAVED && fp_needed)
        *--check = (struct remember_check){outside->sp - rule_slot_depth(frame->rule), outside->fp};
    return check;
}

/* Does unwinding from this frame on depend on the fp in it? `outside`: from the next frame on. */
static bool fast_needs_fp(const struct remember_frame *frame, bool outside)
{
    if (rule_kind(frame->rule) != RULE_STEP)
        return false;
    return frame->rule & RULE_FROM_FP || (outside && !(frame->rule & RULE_FP_SAVED));
}

/* Puts the new frames and their checks in front of what `stack` holds of the joined part. */
static void fast_prepend(struct remember_stack *stack, const struct fast_walk *walk, bool fp_needed)
{
    struct remember_frame *to = stack->frames_end - stack->frame_count;
    struct remember_check *check = stack->checks_end - stack->check_count;
    struct fast_walk outside = {.pc = walk->pc, .sp = walk->sp, .fp = walk->fp};
    for (uint32_t i = walk->count; i-- > 0;) {
        const struct remember_frame *frame = &walk->frames[i];
        check = fast_check_frame(frame, &outside, fp_needed, check);
        fp_needed = fast_needs_fp(frame, fp_needed);
        *--to = *frame;
        to->fp_needed = fp_needed;
        to->checks = (uint32_t)(stack->checks_end - check);
        outside.pc = frame->pc;
        outside.sp = frame->sp;
        outside.fp = frame->fp;
    }
    stack->fp_needed = fp_needed;
    stack->frame_count += walk->count;
    stack->check_count = (uint32_t)(stack->checks_end - check);
}

/* Copies the outer part that the walk joined from another stack. */
static void fast_copy_joined(struct remember_stack *stack, const struct remember_stack *known,
                             uint32_t frames, uint32_t checks)
{
    memcpy(stack->frames_end - frames, known->frames_end - frames,
           frames * sizeof(struct remember_frame));
    memcpy(stack->checks_end - checks, known->checks_end - checks,
           checks * sizeof(struct remember_check));
}

/* The stack that was walked takes the place of what is remembered there. Of that only the outer part stays, if it is what the walk joined. */
static void fast_remember(struct fast *fast, const struct fast_walk *walk,
                          const struct host_frame *caller, struct remember_stack *stack,
                          uint32_t node)
{
    const struct remember_stack *known = walk->end == FAST_JOINED ? walk->known : NULL;
    const struct remember_frame *joined = known ? &known_frames(known)[walk->next] : NULL;
    uint32_t frames = known ? known->frame_count - walk->next : 0;
    uint32_t checks = known ? joined->checks : 0;
    bool fp_needed = known && joined->fp_needed;
    uintptr_t highest = known ? known->highest : 0;
    bool evicts = stack->pc && (stack->pc != caller->pc || stack->sp != caller->sp);
    if (evicts && remember_evict(&fast->memory))
        return;
    stack->pc = 0;
    stack->frame_count = stack == known ? frames : 0;
    stack->check_count = stack == known ? checks : 0;
    if (!remember_room(&fast->memory, stack, frames + walk->count, checks + 2 * walk->count))
        return;
    if (known && stack != known)
        fast_copy_joined(stack, known, frames, checks);
    stack->frame_count = frames;
    stack->check_count = checks;
    fast_prepend(stack, walk, fp_needed);
    stack->highest = highest > walk->highest ? highest : walk->highest;
    stack->sp = caller->sp;
    stack->fp = caller->fp;
    stack->node = node;
    memset(stack->sites, 0, sizeof stack->sites);
    stack->complete = walk->end != FAST_CUT;
    stack->pc = caller->pc;
    fast->memory->last = stack;
}

static bool fast_may_join(const struct fast_walk *walk, const struct remember_stack *stack)
{
    return stack && stack->pc && stack->complete && stack->highest > walk->sp &&
           probe_covers(walk->probe, walk->sp, stack->highest);
}

/* What the walk may join. A call that is older than the last capture and has not returned was in
   that capture, so the last stack has at least as much in common with this one as any other; unless
   it lies elsewhere. */
static void fast_choose_known(struct fast_walk *walk, const struct remember *memory,
                              const struct remember_stack *own)
{
    if (fast_may_join(walk, memory->last))
        walk->known = memory->last;
    else if (fast_may_join(walk, own))
        walk->known = own;
}

static uint32_t fast_site_unknown(struct fast *fast, struct probe *probe,
                                  const struct host_frame *caller, uint32_t epoch,
                                  struct remember_stack *place, enum mtf_domain domain)
{
    struct fast_walk walk = {.frames = fast->scratch,
                             .pc = caller->pc,
                             .sp = caller->sp,
                             .fp = caller->fp,
                             .highest = caller->sp,
                             .probe = probe,
                             .epoch = epoch};
    if (place)
        fast_choose_known(&walk, fast->memory, place);
    fast_walk_frames(&walk);
    if (walk.end == FAST_LOST)
        return FAST_UNSURE;
    uint32_t node = fast_intern(fast->memory, &walk);
    if (place && node && probe_covers(probe, caller->sp, walk.highest))
        fast_remember(fast, &walk, caller, place, node);
    return site_at(node, domain);
}

uint32_t fast_site(struct fast *fast, struct probe *probe, const struct host_frame *caller,
                   uint32_t epoch, enum mtf_domain domain)
{
    struct remember_stack *place = NULL, *stack = NULL;
    if (fast->memory == NULL)
        fast->memory = remember_make();
    if (fast->memory)
        stack = remember_find(fast->memory, probe, caller, &place);
    if (stack == NULL)
        return fast_site_unknown(fast, probe, caller, epoch, place, domain);
    fast->memory->last = stack;
    return remember_site(stack, domain);
}

void fast_forget(struct fast *fast)
{
    if (fast->memory)
        remember_clear(fast->memory);
}
