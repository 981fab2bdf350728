#include "stack/capture.h"
#include "base/atomic.h"
#include "base/option.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "stack/fast.h"
#include "stack/module.h"
#include "stack/probe.h"
#include "stack/rule.h"
#include "stack/site.h"
#include "stack/slow.h"
#include "stack/walk.h"
#include "store/file.h"
#include "unwind.h" /* of the architecture */

#include <errno.h>

#define CAPTURE_BARRIER() __asm__ volatile("" ::: "memory")

/* What one walk through libunwind needs. */
struct capture_space {
    struct slow_space slow;
    struct walk_frame frames[CAPTURE_DEPTH_MAX];
};

/* What is used most comes first: pages behind it may never be touched. */
struct capture_state {
    uintptr_t busy; /* entered_sp of the capture in progress; 0 between captures */
    uint32_t epoch; /* module_epoch for which `fast` holds */
    struct probe probe;
    struct fast fast;
    struct capture_space space;
};

uint32_t capture_depth = CAPTURE_DEPTH_DEFAULT;

void capture_start(void)
{
    rule_start();
    slow_start();
}

void capture_fork_child(void)
{
    slow_fork_child();
    rule_fork_child();
    module_fork_child();
}

static void capture_clear(struct capture_state *state)
{
    state->busy = 0;
    state->probe = (struct probe){0, 0};
    fast_forget(&state->fast);
}

void capture_forget(struct self *self)
{
    if (self->capture)
        capture_clear(self->capture);
}

/* Where an interrupted instruction lies is no return address: the table of those is not asked. */
static uint32_t capture_node(const struct walk_frame *frame, uint32_t parent, uint32_t epoch)
{
    if ((frame->flags & MTF_NODE_EXACT) == 0)
        return rule_node(rule_find(frame->pc, epoch), frame->pc, parent);
    uint32_t module = module_find(frame->pc);
    return site_node(parent, module, frame->pc - module_bias(module), frame->flags);
}

/* From the outermost frame inwards; the innermost one's node, 0 if the trie is full. */
static uint32_t capture_intern(const struct walk *walk, uint32_t epoch)
{
    uint32_t node = walk->cut ? site_node(0, 0, 0, MTF_NODE_CUT) : 0;
    if (walk->cut && node == 0)
        return 0;
    for (uint32_t i = walk->count; i-- > 0;) {
        node = capture_node(&walk->frames[i], node, epoch);
        if (node == 0)
            return 0;
    }
    return node;
}

static MT_COLD uint32_t capture_slow(struct capture_space *space, struct probe *probe,
                                     const struct host_frame *caller, uint32_t epoch,
                                     enum mtf_domain domain)
{
    struct walk walk = {.frames = space->frames, .limit = capture_depth};
    slow_walk(&space->slow, probe, caller, epoch, &walk);
    if (walk.count == 0) {
        file_lost(MTF_LOST_STACK);
        return 0;
    }
    return site_at(capture_intern(&walk, epoch), domain);
}

/* Equal stacks have equal sites, and different ones different sites. */
static MT_COLD uint32_t capture_verify(struct capture_state *state, const struct host_frame *caller,
                                       uint32_t epoch, enum mtf_domain domain)
{
    struct mtf_totals *totals = &file_header->totals;
    uint32_t fast = fast_site(&state->fast, &state->probe, caller, epoch, domain);
    uint32_t slow = capture_slow(&state->space, &state->probe, caller, epoch, domain);
    if (fast != FAST_UNSURE) {
        add_relaxed(&totals->verified, 1);
        if (fast != slow)
            add_relaxed(&totals->verify_differences, 1);
    }
    return slow;
}

/* In a signal handler that interrupted a capture of this thread: memory of its own. */
static MT_COLD uint32_t capture_nested(const struct host_frame *caller, enum mtf_domain domain)
{
    struct probe probe = {0, 0};
    struct capture_space *space = sys_map(sizeof(*space));
    if (space == NULL) {
        file_lost(MTF_LOST_STACK);
        return 0;
    }
    uint32_t site = capture_slow(space, &probe, caller, load_acquire(&module_epoch), domain);
    sys_unmap(space, sizeof(*space));
    return site;
}

static MT_COLD struct capture_state *capture_state_make(struct self *self)
{
    struct capture_state *state = sys_map(sizeof(*state));
    if (state == NULL)
        file_lost(MTF_LOST_STACK);
    self->capture = state;
    return state;
}

/* A module was unloaded: another may lie where it was. */
static MT_COLD void capture_begin_epoch(struct capture_state *state, uint32_t epoch)
{
    fast_forget(&state->fast);
    state->epoch = epoch;
}

static MT_NOINLINE uint32_t capture_walk(struct capture_state *state,
                                         const struct host_frame *caller, enum mtf_domain domain)
{
    uint32_t epoch = load_acquire(&module_epoch); /* MODULE-EPOCH */
    if (MT_UNLIKELY(state->epoch != epoch))
        capture_begin_epoch(state, epoch);
    probe_begin(&state->probe, caller->sp);
    if (MT_UNLIKELY(option.unwind == OPTION_UNWIND_VERIFY && ARCH_UNWIND_FAST))
        return capture_verify(state, caller, epoch, domain);
    if (MT_LIKELY(option.unwind == OPTION_UNWIND_FAST && ARCH_UNWIND_FAST)) {
        uint32_t site = fast_site(&state->fast, &state->probe, caller, epoch, domain);
        if (MT_LIKELY(site != FAST_UNSURE))
            return site;
    }
    return capture_slow(&state->space, &state->probe, caller, epoch, domain);
}

/* First capture of a thread, or a capture within a capture: `busy` names this very stay inside the
   shim. Another stay was left by longjmp, and what it was changing is not to be trusted. */
static MT_COLD uint32_t capture_site_rare(struct self *self, const struct host_frame *caller,
                                          enum mtf_domain domain)
{
    int host_errno = errno;
    uint32_t site = 0;
    struct capture_state *state = self->capture ? self->capture : capture_state_make(self);
    if (state && state->busy && state->busy == self->entered_sp) {
        site = capture_nested(caller, domain);
    } else if (state) {
        capture_clear(state);
        state->busy = self->entered_sp;
        CAPTURE_BARRIER();
        site = capture_walk(state, caller, domain);
        CAPTURE_BARRIER();
        state->busy = 0;
    }
    errno = host_errno;
    return site;
}

/* Assumed: the thread has captured this very stack before, and is not capturing now. Nothing below
   touches errno. */
uint32_t capture_site(struct self *self, const struct host_frame *caller, enum mtf_domain domain)
{
    struct capture_state *state = self->capture;
    if (MT_UNLIKELY(state == NULL || state->busy))
        return capture_site_rare(self, caller, domain);
    uint32_t site = 0;
    state->busy = self->entered_sp;
    CAPTURE_BARRIER();
    if (MT_LIKELY(state->epoch == load_acquire(&module_epoch) && /* MODULE-EPOCH */
                  option.unwind == OPTION_UNWIND_FAST))
        site = fast_known(&state->fast, &state->probe, caller, domain);
    if (MT_UNLIKELY(site == 0))
        site = capture_walk(state, caller, domain);
    CAPTURE_BARRIER();
    state->busy = 0;
    return site;
}
