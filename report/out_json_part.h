/*
 * Keeps       what the parts of the JSON report share: the output, and the frames that stacks have
 *             met so far.
 * Invariant   a frame is written once; stacks name frames by number.
 * Threads     one thread.
 * Memory      the printed form of each frame, until the report is whole.
 * On failure  -ENOMEM, or -EIO if the stream took an error.
 */
#ifndef MEMTRACK_REPORT_OUT_JSON_PART_H
#define MEMTRACK_REPORT_OUT_JSON_PART_H

#include "out_json.h"
#include <jansson.h>

struct json_out {
    FILE *out;
    const struct snapshot *snapshot;
    struct frames *frames;
    const struct out_json_options *options;
    struct frame_stack stack; /* of the item at hand */
    struct frame *met;        /* frames of the stacks so far, by number - 1 */
    uint32_t met_count;
    uint32_t met_room;
};

/* Writes a value and gives it back; NULL is what the library returns without memory. */
int json_put_value(FILE *out, json_t *value);
/* Items of an array, each on its own line; the brackets are the caller's. */
int json_put_item(FILE *out, size_t index, json_t *value);
/* The members "cut" and "stack" of the stack at hand, behind other members. */
int json_put_stack(struct json_out *json);
json_t *json_self_object(const struct frame *self);
json_t *json_figures_object(const struct figures *figures);

#endif
