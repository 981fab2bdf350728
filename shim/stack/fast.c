#include "stack/fast.h"
#include "memtrack/format.h"
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
    struct fast_frame *frames; /* new ones, innermost first */
    uint32_t count;
    uint32_t kept; /* of them, those that are not the shim's own */
    enum fast_end end;
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;
    uintptr_t highest; /* word of the stack that was read */
    struct probe *probe;
    uint32_t epoch;
    const struct recent *recent; /* what may be joined */
    uint32_t left;               /* its frames that were not passed yet: the outermost ones */
    uint32_t held;               /* its checks that may hold, for all that is known */
};

/* ---- joining ---- */

/* Is the rest of the stack as it was walked last? The walk stands at a frame that was not passed yet. */
static bool fast_join(struct fast_walk *walk)
{
    const struct recent *recent = walk->recent;
    while (walk->left && recent->frames[walk->left - 1].sp < walk->sp)
        walk->left--;
    if (walk->left == 0)
        return false;
    const struct recent_frame *frame = &recent->frames[walk->left - 1];
    if (frame->sp != walk->sp || frame->pc != walk->pc ||
        (frame->fp_needed && frame->fp != walk->fp) || frame->checks > walk->held ||
        walk->kept + walk->left > capture_depth || walk->count + walk->left > RECENT_FRAMES)
        return false;
    uint32_t held = remember_verify(recent->checks, frame->checks);
    if (held == frame->checks)
        return true;
    walk->held = held;
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
        if (walk->left && fast_join(walk)) {
            walk->end = FAST_JOINED;
            return;
        }
        rule_bits rule = rule_find(walk->pc, walk->epoch);
        if ((walk->kept == capture_depth && !(rule & RULE_SHIM)) ||
            walk->count > CAPTURE_DEPTH_MAX) {
            walk->end = FAST_CUT;
            return;
        }
        struct fast_frame *frame = &walk->frames[walk->count++];
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

/* The trie is large and far away; what was met lately is near. Where no module is, one may come. */
static uint32_t fast_node(struct remember *memory, const struct fast_frame *frame, uint32_t parent)
{
    if (MT_UNLIKELY(frame->rule & RULE_SHIM))
        return parent;
    if (MT_UNLIKELY(memory == NULL || rule_kind(frame->rule) == RULE_UNCOVERED))
        return rule_node(frame->rule, frame->pc, parent);
    struct remember_child *child = remember_child_slot(memory, frame->path);
    if (MT_LIKELY(child->pc == frame->pc && child->parent == parent))
        return child->node;
    uint32_t node = rule_node(frame->rule, frame->pc, parent);
    if (node)
        *child = (struct remember_child){frame->pc, parent, node};
    return node;
}

/* The node outside of the new frames; UINT32_MAX if the trie is full. */
static uint32_t fast_root(const struct fast_walk *walk)
{
    if (walk->end == FAST_JOINED)
        return walk->recent->frames[walk->left - 1].node;
    if (walk->end != FAST_CUT)
        return 0;
    uint32_t cut = site_node(0, 0, 0, MTF_NODE_CUT);
    return cut ? cut : UINT32_MAX;
}

/* Paths of the new frames; the places where their nodes are kept are asked for. */
static void fast_paths(struct remember *memory, const struct fast_walk *walk)
{
    uint32_t path = walk->end == FAST_JOINED ? walk->recent->frames[walk->left - 1].path : 0;
    for (uint32_t i = walk->count; i-- > 0;) {
        walk->frames[i].path = path = remember_path(path, walk->frames[i].pc);
        if (MT_LIKELY(memory != NULL))
            __builtin_prefetch(remember_child_slot(memory, path), 1);
    }
}

/* Nodes of the new frames, from the outermost inwards. The innermost one's; 0 if the trie is full.
 */
static uint32_t fast_intern(struct remember *memory, const struct fast_walk *walk)
{
    uint32_t node = fast_root(walk);
    fast_paths(memory, walk);
    for (uint32_t i = walk->count; i-- > 0 && node != UINT32_MAX;) {
        uint32_t inner = fast_node(memory, &walk->frames[i], node);
        if (inner == 0 && !(walk->frames[i].rule & RULE_SHIM))
            return 0;
        walk->frames[i].node = node = inner;
    }
    return node == UINT32_MAX ? 0 : node;
}

/* ---- remembering ---- */

/* The checks of a frame: what leads from it to the one outside. */
static void fast_check_frame(struct recent *recent, const struct fast_frame *frame,
                             const struct fast_walk *outside, bool fp_needed)
{
    if (rule_kind(frame->rule) != RULE_STEP)
        return;
    if (frame->rule & RULE_FP_SAVED && fp_needed)
        recent_check(recent, outside->sp - rule_slot_depth(frame->rule), outside->fp);
    recent_check(recent, outside->sp - sizeof(uintptr_t), outside->pc);
}

/* Does unwinding from this frame on depend on the fp in it? `outside`: from the next frame on. */
static bool fast_needs_fp(const struct fast_frame *frame, bool outside)
{
    if (rule_kind(frame->rule) != RULE_STEP)
        return false;
    return frame->rule & RULE_FROM_FP || (outside && !(frame->rule & RULE_FP_SAVED));
}

/* The new frames take the place of those that the walk did not meet. */
static void fast_push(struct recent *recent, const struct fast_walk *walk)
{
    uint32_t joined = walk->end == FAST_JOINED ? walk->left : 0;
    bool fp_needed = joined && recent->frames[joined - 1].fp_needed;
    struct fast_walk outside = {.pc = walk->pc, .sp = walk->sp, .fp = walk->fp};
    recent_cut(recent, joined);
    if (joined == 0 || walk->highest > recent->highest)
        recent->highest = walk->highest;
    for (uint32_t i = walk->count; i-- > 0;) {
        const struct fast_frame *frame = &walk->frames[i];
        fast_check_frame(recent, frame, &outside, fp_needed);
        fp_needed = fast_needs_fp(frame, fp_needed);
        recent->frames[recent->frame_count++] = (struct recent_frame){.pc = frame->pc,
                                                                      .sp = frame->sp,
                                                                      .fp = frame->fp,
                                                                      .node = frame->node,
                                                                      .path = frame->path,
                                                                      .checks = recent->check_count,
                                                                      .fp_needed = fp_needed};
        outside.pc = frame->pc;
        outside.sp = frame->sp;
        outside.fp = frame->fp;
    }
}

/* Remembers the stack that was walked, now the recent one. */
static void fast_remember(struct fast *fast, const struct host_frame *caller,
                          struct remember_stack *place, uint32_t node)
{
    const struct recent *recent = &fast->recent;
    const struct remember_stack stack = {.pc = caller->pc,
                                         .sp = caller->sp,
                                         .fp = caller->fp,
                                         .highest = recent->highest,
                                         .check_count = recent->check_count,
                                         .fp_needed =
                                             recent->frames[recent->frame_count - 1].fp_needed,
                                         .node = node};
    remember_store(&fast->memory, place, &stack, recent->checks);
}

static uint32_t fast_site_unknown(struct fast *fast, struct probe *probe,
                                  const struct host_frame *caller, uint32_t epoch,
                                  struct remember_stack *place, enum mtf_domain domain)
{
    struct recent *recent = &fast->recent;
    struct fast_walk walk = {.frames = fast->scratch,
                             .pc = caller->pc,
                             .sp = caller->sp,
                             .fp = caller->fp,
                             .highest = caller->sp,
                             .probe = probe,
                             .epoch = epoch,
                             .recent = recent,
                             .held = UINT32_MAX};
    if (recent->highest > caller->sp && probe_covers(probe, caller->sp, recent->highest))
        walk.left = recent->frame_count;
    fast_walk_frames(&walk);
    if (walk.end == FAST_LOST)
        return FAST_UNSURE;
    uint32_t node = fast_intern(fast->memory, &walk);
    if (node == 0) {
        recent_clear(recent);
        return site_at(node, domain);
    }
    fast_push(recent, &walk);
    if (place && probe_covers(probe, caller->sp, recent->highest))
        fast_remember(fast, caller, place, node);
    if (walk.end == FAST_CUT)
        recent_clear(recent); /* its outer frames are not where they are in another stack */
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
    return remember_site(stack, domain);
}

void fast_forget(struct fast *fast)
{
    recent_clear(&fast->recent);
    if (fast->memory)
        remember_clear(fast->memory);
}
