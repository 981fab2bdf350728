/*
 * Keeps       the stacks of one snapshot as people read them: named frames, inlined ones included,
 *             with a mark at those that are folded.
 * Invariant   each (module, address) is looked up once; a stack never folds to nothing.
 * Threads     one thread.
 * Memory      one entry per looked-up address until frames_close. Strings belong to the source of
 *             names or to the snapshot, and both must live longer.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_FRAMES_H
#define MEMTRACK_REPORT_FRAMES_H

#include "snapshot.h"
#include "symbolize.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address that will be asked for. */
struct symbol_request {
    const struct symbol_module *module;
    uint64_t address;
    bool exact;
};

/* Where names come from. The functions are those of symbolize.h, with their contracts. */
struct frame_source {
    void *context;
    int (*lookup)(void *context, const struct symbol_module *module, uint64_t address, bool exact,
                  const struct symbol_frame **frames);
    const char *(*complaint)(void *context, const struct symbol_module *module);
    /* NULL, or looks up many addresses at once; requests of one module stand together, by
       address. */
    void (*prepare)(void *context, const struct symbol_request *requests, size_t count);
};

struct frame {
    const struct symbol_frame *name; /* never NULL; what is unknown in it is NULL or 0 */
    uint32_t module;                 /* 0: `offset` is an absolute address */
    uint64_t offset;
    uint32_t *number; /* for an output to number frames as it meets them; 0 at first */
    bool folded;      /* hides the cause rather than shows it */
};

/* A stack, innermost frame first. Starts zeroed; may be filled again and again. */
struct frame_stack {
    struct frame *frames;
    size_t count;
    size_t room;
    size_t folded; /* how many are not to be shown */
    bool cut;      /* the stack went on outside of the last frame */
};

struct frames;

/* `source` NULL: no names, offsets only. Returns NULL without memory. */
struct frames *frames_open(const struct snapshot *snapshot, const struct frame_source *source);
void frames_close(struct frames *frames);

/* Lets the source look up all addresses of call sites at once, which is quicker than one by one where all
   will be needed. It may do nothing. */
void frames_prepare(struct frames *frames);

/* The whole stack whose innermost frame is `node`; empty for node 0. */
int frames_stack(struct frames *frames, uint32_t node, struct frame_stack *stack);
/* Is this frame one of those that hide the cause rather than show it? None is where all would be.
 */
bool frame_stack_hides(const struct frame_stack *stack, const struct frame *frame);
void frame_stack_free(struct frame_stack *stack);

/* The innermost frame that is not folded, or the innermost one if all are: to whom an allocation
   is counted by function and by module. name->function is NULL for node 0. */
int frames_self(struct frames *frames, uint32_t node, struct frame *self);

/* What keeps us from trusting a module's names: NULL if nothing does, or if none of its addresses
   was looked up. */
const char *frames_complaint(struct frames *frames, uint32_t module);

#endif
