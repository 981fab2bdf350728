/*
 * Keeps       what the shim knows of the calling thread.
 * Invariant   self_active == NULL, or self_active == self_mine and the thread is outside the shim.
 * Threads     each state is written by its own thread; others only read `tid` under LOCK_SELF.
 * Memory      mapped privately with MADV_WIPEONFORK, one per thread, pooled; a dead thread's state
 *             goes to a later thread. In a forked child `ready` reads 0: that is how a fork is
 *             noticed, however it was made.
 * On failure  see track/thread.h, which makes and pools the states.
 */
#ifndef MEMTRACK_BASE_SELF_H
#define MEMTRACK_BASE_SELF_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host's call of a hook: its return address, the stack pointer behind that call (the hook's
   CFA) and the frame pointer register as the caller had it. */
struct host_frame {
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;
};

/* An event of a signal handler that interrupted the shim; see track/event.h. */
struct pending_event {
    uint32_t kind;
    uint32_t site;
    const void *address;
    size_t size;     /* of an allocation */
    uint64_t newest; /* of a free: the block has at most this sequence number */
};

#define SELF_PENDING_MAX 64

struct capture_state; /* stack/capture.h */
struct mtf_share;     /* memtrack/format.h, as the next */
struct mtf_thread;
struct mtf_size;
struct map_queue; /* map/map_queue.h */

/* self.ready */
enum {
    SELF_FORKED = 0,  /* what a forked child reads */
    SELF_READY = 1,   /* nothing to do but the event */
    SELF_PENDING = 2, /* events are queued: drain first */
};

struct self {
    uint32_t ready;
    uint32_t thread; /* index into THREADS */
    int32_t tid;
    uintptr_t handle;          /* what pthread_self gives */
    uint32_t pending_count;    /* may exceed SELF_PENDING_MAX; the rest is lost and counted */
    uint64_t newest_sequence;  /* of this thread's last allocation; 0 once it is freed */
    uintptr_t entered_sp;      /* stack pointer at which the shim was entered */
    struct mtf_thread *record; /* in THREADS; of the unknown thread where there was no room */
    struct mtf_share *shares;  /* track/share.h; NULL until it is needed */
    struct mtf_size *sizes;    /* measure/sizes.h; NULL until there are shares */
    int64_t drift;             /* bytes allocated minus freed that only the shares know */
    uint64_t sequence;         /* the last number used of those taken at a time */
    uint32_t sequence_left;
    uint32_t moving;   /* blocks that realloc is at work on: in no table; see track/moving.h */
    uint32_t ignoring; /* how deep in stretches whose blocks are no leaks (memtrack.h) */
    struct capture_state *capture; /* stack/'s; NULL until it is first needed */
    struct map_queue *mapped;      /* map/'s; NULL until it is first needed */
    struct self *next;             /* all states, LOCK_SELF */
    struct pending_event pending[SELF_PENDING_MAX];
};

/* The one word that a hook tests: NULL means not started, off, or inside the shim already. */
extern MT_TLS struct self *self_active;
/* This thread's state, also while self_active is NULL. */
extern MT_TLS struct self *self_mine;

#endif
