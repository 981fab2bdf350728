#include "stack/capture.h"
#include "base/atomic.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "stack/module.h"
#include "stack/probe.h"
#include "stack/site.h"
#include "stack/slow.h"
#include "stack/walk.h"
#include "store/file.h"

#include <errno.h>

#define CAPTURE_PLACES 256u /* of each thread's memory of where pcs lie; a power of two */

/* Where a pc lies, for as long as no module is unloaded. */
struct capture_place {
    uintptr_t pc; /* as it is looked up: inside of the call */
    uint64_t bias;
    uint32_t module;
};

/* What one walk needs. */
struct capture_space {
    struct slow_space slow;
    struct walk_frame frames[CAPTURE_DEPTH_MAX];
};

struct capture_state {
    uintptr_t busy; /* entered_sp of the capture in progress; 0 between captures */
    uint32_t epoch; /* module_epoch for which `places` holds */
    struct probe probe;
    struct capture_place places[CAPTURE_PLACES];
    struct capture_space space;
};

uint32_t capture_depth = CAPTURE_DEPTH_DEFAULT;

void capture_start(void)
{
    slow_start();
}

void capture_fork_child(void)
{
    slow_fork_child();
    module_fork_child();
}

void capture_forget(struct self *self)
{
    struct capture_state *state = self->capture;
    if (state == NULL)
        return;
    state->busy = 0;
    state->probe = (struct probe){0, 0};
}

static void capture_place_find(uintptr_t pc, struct capture_place *place)
{
    uint32_t module = module_find(pc);
    *place = (struct capture_place){.pc = pc, .bias = module_bias(module), .module = module};
}

/* `state` is NULL in a nested capture, which remembers nothing. */
static struct capture_place capture_place_of(struct capture_state *state, uintptr_t pc)
{
    struct capture_place place;
    if (state == NULL) {
        capture_place_find(pc, &place);
        return place;
    }
    struct capture_place *known = &state->places[(pc ^ (pc >> 8)) & (CAPTURE_PLACES - 1)];
    if (known->pc != pc)
        capture_place_find(pc, known);
    return *known;
}

/* From the outermost frame inwards; 0 if the trie is full. */
static uint32_t capture_intern(struct capture_state *state, const struct walk *walk)
{
    uint32_t node = walk->cut ? site_node(0, 0, 0, MTF_NODE_CUT) : 0;
    for (uint32_t i = walk->count; i-- > 0;) {
        const struct walk_frame *frame = &walk->frames[i];
        uintptr_t pc = frame->flags & MTF_NODE_EXACT ? frame->pc : frame->pc - 1;
        struct capture_place place = capture_place_of(state, pc);
        node = site_node(node, place.module, frame->pc - place.bias, frame->flags);
        if (node == 0)
            return 0;
    }
    return site_at(node);
}

static uint32_t capture_slow(struct capture_state *state, struct capture_space *space,
                             struct probe *probe, const struct host_frame *caller)
{
    struct walk walk = {.frames = space->frames, .limit = capture_depth};
    slow_walk(&space->slow, probe, caller, &walk);
    if (walk.count == 0) {
        file_lost(MTF_LOST_STACK);
        return 0;
    }
    return capture_intern(state, &walk);
}

/* In a signal handler that interrupted a capture of this thread: memory of its own. */
static MT_COLD uint32_t capture_nested(const struct host_frame *caller)
{
    struct probe probe = {0, 0};
    struct capture_space *space = sys_map(sizeof(*space));
    if (space == NULL) {
        file_lost(MTF_LOST_STACK);
        return 0;
    }
    uint32_t site = capture_slow(NULL, space, &probe, caller);
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

static void capture_forget_if_unloaded(struct capture_state *state)
{
    uint32_t epoch = load_acquire(&module_epoch); /* MODULE-EPOCH */
    if (MT_LIKELY(state->epoch == epoch))
        return;
    __builtin_memset(state->places, 0, sizeof(state->places));
    state->epoch = epoch;
}

/*
 * A capture is in progress already if `busy` names this very stay inside the shim; another one was
 * left by longjmp and never came to an end.
 */
uint32_t capture_site(struct self *self, const struct host_frame *caller)
{
    int host_errno = errno;
    uint32_t site = 0;
    struct capture_state *state = self->capture;
    if (MT_UNLIKELY(state == NULL))
        state = capture_state_make(self);
    if (MT_UNLIKELY(state && state->busy && state->busy == self->entered_sp)) {
        site = capture_nested(caller);
    } else if (MT_LIKELY(state != NULL)) {
        store_relaxed(&state->busy, self->entered_sp);
        __asm__ volatile("" ::: "memory");
        capture_forget_if_unloaded(state);
        site = capture_slow(state, &state->space, &state->probe, caller);
        __asm__ volatile("" ::: "memory");
        store_relaxed(&state->busy, 0);
    }
    errno = host_errno;
    return site;
}
