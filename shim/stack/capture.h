/*
 * Keeps       the one way from "the host calls us here" to a call site.
 * Invariant   equal stacks give equal ids for as long as no module of the stack is unloaded.
 * Threads     any thread, with its self; no lock of the shim may be held. May be entered again on
 *             the same thread by a signal handler: the inner capture then uses no shared state.
 *             Keeps errno. Never takes the loader's lock, never calls malloc.
 * Memory      self->capture, mapped at the first capture: a few pages for a thread that allocates
 *             in few places, at most 130 KiB and what remember.h says.
 * On failure  returns 0, the unknown site, and counts MTF_LOST_STACK, or MTF_LOST_SITE when the
 *             tables are full.
 */
#ifndef MEMTRACK_STACK_CAPTURE_H
#define MEMTRACK_STACK_CAPTURE_H

#include "base/self.h"
#include "memtrack/format.h"
#include <stdint.h>

#define CAPTURE_DEPTH_MAX 1024u
#define CAPTURE_DEPTH_DEFAULT 256u

/* Frames kept of each stack, 1 to CAPTURE_DEPTH_MAX. Set once while there is one thread. */
extern uint32_t capture_depth;

/* The id of the site (SITES) in `domain` whose stack is the host's at `caller`. The shim's frames are not part
   of it. How it is found is option.unwind's to say: by known rules and remembered stacks with
   libunwind for the rest, by libunwind alone, or by both, counting differences in totals. Deeper
   stacks keep their innermost frames and get an MTF_NODE_CUT node outside of them. */
uint32_t capture_site(struct self *self, const struct host_frame *caller, enum mtf_domain domain);

/* Once, before the first capture. */
void capture_start(void);
/* In a forked child, before its first capture. */
void capture_fork_child(void);
/* A thread state is given to another thread: drop everything remembered in it. */
void capture_forget(struct self *self);

#endif
