/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "frames.h"
#include "fold.h"
#include "progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct frame_key {
    uint64_t offset;
    uint32_t module;
    uint32_t exact;
};

/* What was found at one address. */
struct frame_location {
    struct frame_key key;
    const struct symbol_frame *names;
    int count;
    bool *folded;      /* one for each name, like the next */
    uint32_t *numbers; /* see struct frame */
    UT_hash_handle hh;
};

struct frames {
    const struct snapshot *snapshot;
    struct frame_source source;
    struct frame_location *locations;
    bool *used; /* by module: an address was looked up */
};

static const struct symbol_frame frame_unknown;

static int no_names(void *context, const struct symbol_module *module, uint64_t address, bool exact,
                    const struct symbol_frame **frames)
{
    (void)context;
    (void)module;
    (void)address;
    (void)exact;
    *frames = &frame_unknown;
    return 1;
}

static const char *no_complaint(void *context, const struct symbol_module *module)
{
    (void)context;
    (void)module;
    return NULL;
}

struct frames *frames_open(const struct snapshot *snapshot, const struct frame_source *source)
{
    static const struct frame_source none = {NULL, no_names, no_complaint, NULL};
    struct frames *frames = calloc(1, sizeof *frames);
    if (frames == NULL)
        return NULL;
    frames->snapshot = snapshot;
    frames->source = source != NULL ? *source : none;
    frames->used = calloc(snapshot->module_count, sizeof frames->used[0]);
    if (frames->used == NULL) {
        free(frames);
        return NULL;
    }
    return frames;
}

static struct symbol_module symbol_module_of(const struct snapshot_module *module)
{
    return (struct symbol_module){
        .path = module->path,
        .build_id = module->build_id,
        .build_id_length = module->build_id_length,
        .inode = module->inode,
        .file_size = module->file_size,
        .mtime_ns = module->mtime_ns,
        .flags = module->flags,
        .bias = module->bias,
        .start = module->start,
        .end = module->end,
    };
}

static int prepare_compare(const void *left, const void *right, void *context)
{
    const struct snapshot *snapshot = context;
    const struct snapshot_node *a = &snapshot->nodes[*(const uint32_t *)left];
    const struct snapshot_node *b = &snapshot->nodes[*(const uint32_t *)right];
    if (a->module != b->module)
        return a->module < b->module ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Nodes of different addresses, by module; their number. */
static size_t prepare_choose(struct frames *frames, uint32_t *chosen)
{
    const struct snapshot *snapshot = frames->snapshot;
    size_t count = 0, kept = 0;
    for (uint32_t node = 1; node < snapshot->node_count; node++) {
        if (snapshot->nodes[node].module != 0 && (snapshot->nodes[node].flags & MTF_NODE_CUT) == 0)
            chosen[count++] = node;
    }
    qsort_r(chosen, count, sizeof chosen[0], prepare_compare, (void *)(uintptr_t)snapshot);
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_node *node = &snapshot->nodes[chosen[i]];
        const struct snapshot_node *before = kept > 0 ? &snapshot->nodes[chosen[kept - 1]] : NULL;
        if (before == NULL || before->module != node->module || before->offset != node->offset)
            chosen[kept++] = chosen[i];
    }
    return kept;
}

static void prepare_requests(struct frames *frames, const uint32_t *chosen, size_t count)
{
    const struct snapshot *snapshot = frames->snapshot;
    struct symbol_module *modules = calloc(snapshot->module_count, sizeof modules[0]);
    struct symbol_request *requests = calloc(count + 1, sizeof requests[0]);
    for (uint32_t i = 0; modules != NULL && i < snapshot->module_count; i++)
        modules[i] = symbol_module_of(&snapshot->modules[i]);
    for (size_t i = 0; modules != NULL && requests != NULL && i < count; i++) {
        const struct snapshot_node *node = &snapshot->nodes[chosen[i]];
        requests[i] = (struct symbol_request){&modules[node->module], node->offset,
                                              (node->flags & MTF_NODE_EXACT) != 0};
    }
    if (modules != NULL && requests != NULL)
        frames->source.prepare(frames->source.context, requests, count);
    free(modules);
    free(requests);
}

void frames_prepare(struct frames *frames)
{
    if (frames->source.prepare == NULL)
        return;
    uint32_t *chosen = calloc((size_t)frames->snapshot->node_count + 1, sizeof chosen[0]);
    if (chosen != NULL)
        prepare_requests(frames, chosen, prepare_choose(frames, chosen));
    free(chosen);
}

static void location_free(struct frame_location *location)
{
    free(location->numbers);
    free(location->folded);
    free(location);
}

void frames_close(struct frames *frames)
{
    struct frame_location *location, *next;
    if (frames == NULL)
        return;
    HASH_ITER(hh, frames->locations, location, next)
    {
        HASH_DEL(frames->locations, location);
        location_free(location);
    }
    free(frames->used);
    free(frames);
}

/* Asks the source; outside of every module there is nothing to ask. */
static int location_look_up(struct frames *frames, struct frame_location *location)
{
    const struct snapshot_module *module = &frames->snapshot->modules[location->key.module];
    location->names = &frame_unknown;
    location->count = 1;
    if (location->key.module != 0) {
        struct symbol_module symbols = symbol_module_of(module);
        frames->used[location->key.module] = true;
        location->count =
            frames->source.lookup(frames->source.context, &symbols, location->key.offset,
                                  location->key.exact != 0, &location->names);
    }
    if (location->count < 1)
        return location->count < 0 ? location->count : -EINVAL;
    location->folded = calloc((size_t)location->count, sizeof location->folded[0]);
    location->numbers = calloc((size_t)location->count, sizeof location->numbers[0]);
    if (location->folded == NULL || location->numbers == NULL)
        return -ENOMEM;
    for (int i = 0; i < location->count; i++)
        location->folded[i] = fold_frame(location->names[i].function, module->path, module->flags);
    return 0;
}

static int location_add(struct frames *frames, const struct frame_key *key,
                        struct frame_location **added)
{
    struct frame_location *location = calloc(1, sizeof *location);
    if (location == NULL)
        return -ENOMEM;
    progress_step("looking up names", HASH_COUNT(frames->locations));
    location->key = *key;
    int error = location_look_up(frames, location);
    if (error == 0) {
        HASH_ADD(hh, frames->locations, key, sizeof location->key, location);
        if (location->hh.tbl == NULL)
            error = -ENOMEM;
    }
    if (error != 0) {
        location_free(location);
        return error;
    }
    *added = location;
    return 0;
}

static int frames_locate(struct frames *frames, uint32_t node, struct frame_location **location)
{
    const struct snapshot_node *at = &frames->snapshot->nodes[node];
    const struct frame_key key = {
        .offset = at->offset,
        .module = at->module,
        .exact = (at->flags & MTF_NODE_EXACT) != 0,
    };
    HASH_FIND(hh, frames->locations, &key, sizeof key, *location);
    if (*location != NULL)
        return 0;
    return location_add(frames, &key, location);
}

static int stack_reserve(struct frame_stack *stack, size_t more)
{
    if (stack->room - stack->count >= more)
        return 0;
    size_t room = 2 * (stack->count + more);
    struct frame *frames = realloc(stack->frames, room * sizeof frames[0]);
    if (frames == NULL)
        return -ENOMEM;
    stack->frames = frames;
    stack->room = room;
    return 0;
}

static int stack_add(struct frame_stack *stack, const struct frame_location *location)
{
    int error = stack_reserve(stack, (size_t)location->count);
    if (error != 0)
        return error;
    for (int i = 0; i < location->count; i++) {
        stack->frames[stack->count++] = (struct frame){
            .name = &location->names[i],
            .module = location->key.module,
            .offset = location->key.offset,
            .number = &location->numbers[i],
            .folded = location->folded[i],
        };
        stack->folded += location->folded[i];
    }
    return 0;
}

int frames_stack(struct frames *frames, uint32_t node, struct frame_stack *stack)
{
    const struct snapshot_node *nodes = frames->snapshot->nodes;
    size_t depth = 0;
    stack->count = 0;
    stack->folded = 0;
    stack->cut = false;
    for (; node != 0; node = nodes[node].parent) {
        struct frame_location *location;
        if ((nodes[node].flags & MTF_NODE_CUT) != 0 || depth++ == SNAPSHOT_DEPTH_MAX) {
            stack->cut = true;
            break;
        }
        int error = frames_locate(frames, node, &location);
        if (error == 0)
            error = stack_add(stack, location);
        if (error != 0)
            return error;
    }
    if (stack->folded == stack->count)
        stack->folded = 0;
    return 0;
}

bool frame_stack_hides(const struct frame_stack *stack, const struct frame *frame)
{
    return frame->folded && stack->folded > 0;
}

void frame_stack_free(struct frame_stack *stack)
{
    free(stack->frames);
    memset(stack, 0, sizeof *stack);
}

/* The first name at a location that is not folded, or -1. */
static int location_unfolded(const struct frame_location *location)
{
    for (int i = 0; i < location->count; i++) {
        if (!location->folded[i])
            return i;
    }
    return -1;
}

static void self_set(struct frame *self, const struct frame_location *location, int index)
{
    self->name = &location->names[index];
    self->module = location->key.module;
    self->offset = location->key.offset;
    self->number = &location->numbers[index];
}

int frames_self(struct frames *frames, uint32_t node, struct frame *self)
{
    const struct snapshot_node *nodes = frames->snapshot->nodes;
    *self = (struct frame){.name = &frame_unknown};
    for (size_t depth = 0; node != 0 && depth < SNAPSHOT_DEPTH_MAX; depth++) {
        struct frame_location *location;
        if ((nodes[node].flags & MTF_NODE_CUT) != 0)
            break;
        int error = frames_locate(frames, node, &location);
        if (error != 0)
            return error;
        int index = location_unfolded(location);
        if (index >= 0 || depth == 0)
            self_set(self, location, index >= 0 ? index : 0);
        if (index >= 0)
            break;
        node = nodes[node].parent;
    }
    return 0;
}

const char *frames_complaint(struct frames *frames, uint32_t module)
{
    if (!frames->used[module])
        return NULL;
    struct symbol_module symbols = symbol_module_of(&frames->snapshot->modules[module]);
    return frames->source.complaint(frames->source.context, &symbols);
}
