#include "trace.h"
#include "frame_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t string_size(const char *string)
{
    return string != NULL ? strlen(string) + 1 : 0;
}

static const char *module_path(const struct frame *frame, const struct snapshot *snapshot)
{
    return frame->module != 0 ? snapshot->modules[frame->module].path : NULL;
}

/* Moves behind the copy. */
static const char *string_copy(char **to, const char *string)
{
    size_t size = string_size(string);
    char *copy = *to;
    if (string == NULL)
        return NULL;
    memcpy(copy, string, size);
    *to += size;
    return copy;
}

static size_t strings_size(const struct frame_stack *stack, const struct snapshot *snapshot)
{
    size_t size = 0;
    for (size_t i = 0; i < stack->count; i++) {
        const struct symbol_frame *name = stack->frames[i].name;
        size += string_size(name->function) + string_size(name->linkage) +
                string_size(name->aliases) + string_size(name->callee) + string_size(name->name) +
                string_size(name->file) + string_size(module_path(&stack->frames[i], snapshot));
    }
    return size;
}

struct trace *trace_make(const struct frame_stack *stack, const struct snapshot *snapshot)
{
    size_t frames = stack->count * sizeof(struct trace_frame);
    struct trace *trace = calloc(1, sizeof *trace + frames + strings_size(stack, snapshot));
    if (trace == NULL)
        return NULL;
    char *strings = (char *)trace + sizeof *trace + frames;
    trace->count = stack->count;
    trace->cut = stack->cut;
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *from = &stack->frames[i];
        trace->frames[i] = (struct trace_frame){
            .function = string_copy(&strings, from->name->function),
            .linkage = string_copy(&strings, from->name->linkage),
            .aliases = string_copy(&strings, from->name->aliases),
            .callee = string_copy(&strings, from->name->callee),
            .name = string_copy(&strings, from->name->name),
            .file = string_copy(&strings, from->name->file),
            .module = string_copy(&strings, module_path(from, snapshot)),
            .offset = from->offset,
            .line = from->name->line,
            .column = from->name->column,
            .inlined = from->name->inlined,
            .folded = frame_stack_hides(stack, from),
        };
    }
    return trace;
}

void trace_free(struct trace *trace)
{
    free(trace);
}

const struct trace_frame *trace_next(const struct trace *trace, const struct trace_frame *previous)
{
    const struct trace_frame *end = trace->frames + trace->count;
    for (const struct trace_frame *frame = previous != NULL ? previous + 1 : trace->frames;
         frame < end; frame++) {
        if (!frame->folded)
            return frame;
    }
    return NULL;
}

/* A relative name may be a library's, from where it was built, or the project's, built to be reproducible:
   only the project's is there. */
bool trace_file_is_below(const char *file, const char *root)
{
    char *path;
    if (*file == '/')
        return frame_text_file(file, root) != file;
    if (asprintf(&path, "%s/%s", root != NULL ? root : ".", file) < 0)
        return false;
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

const struct trace_frame *trace_place(const struct trace *trace, const char *root)
{
    const struct trace_frame *first = NULL, *frame = NULL;
    while ((frame = trace_next(trace, frame)) != NULL) {
        if (frame->file == NULL)
            continue;
        if (trace_file_is_below(frame->file, root))
            return frame;
        if (first == NULL)
            first = frame;
    }
    return first;
}
