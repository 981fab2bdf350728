#include "suppress.h"
#include "leaks/leak_record.h"
#include "memtrack/format.h"
#include "wildcard.h"

#include <string.h>

/* What the first line of an entry for Valgrind names: the function that was called to allocate. */
static const char *const allocators[] = {
    "malloc",
    "calloc",
    "realloc",
    "memalign",
    "posix_memalign",
    "aligned_alloc",
    "valloc",
    "pvalloc",
    "reallocarray",
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "operator new(unsigned long)",
    "operator new[](unsigned long)",
    "__builtin_new",
    "__builtin_vec_new",
};

/* And the object in which Valgrind finds them. */
static const char allocator_object[] = "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so";

/* What Valgrind calls a function, an object or a file that it knows no name of. */
static const char unknown_name[] = "???";

/* Valgrind's name for all that runs before main. */
static const char *const below_main[] = {
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool match_one_of(const char *pattern, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (wildcard_match(pattern, names[i]))
            return true;
    }
    return false;
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool string_matches(const char *pattern, const char *string)
{
    return string != NULL && wildcard_match(pattern, string);
}

typedef bool matcher(const char *pattern, const char *string);

/* One of several names, each on a line. */
static bool aliases_match(matcher *matches, const char *pattern, const char *aliases)
{
    char name[1024];
    while (aliases != NULL && *aliases != '\0') {
        size_t length = strcspn(aliases, "\n");
        snprintf(name, sizeof name, "%.*s", (int)length, aliases);
        if (matches(pattern, name))
            return true;
        aliases += length + (aliases[length] == '\n');
    }
    return false;
}

/* Valgrind compares the name in the symbol table, and of inlined functions that in the source. */
static bool function_matches(const char *pattern, const struct trace_frame *frame)
{
    if (frame->linkage == NULL && frame->function == NULL)
        return wildcard_match(pattern, unknown_name);
    return string_matches(pattern, frame->linkage) || string_matches(pattern, frame->function) ||
           aliases_match(wildcard_match, pattern, frame->aliases) ||
           (frame->inlined && string_matches(pattern, frame->name)) ||
           (is_one_of(frame->function, below_main, COUNT(below_main)) &&
            wildcard_match(pattern, "(below main)"));
}

static bool object_matches(const char *pattern, const struct trace_frame *frame,
                           struct object_paths *paths)
{
    if (frame->module == NULL || *frame->module == '\0')
        return wildcard_match(pattern, unknown_name);
    return wildcard_match(pattern, frame->module) ||
           wildcard_match(pattern, object_path_real(paths, frame->module));
}

/* file or file:line, with or without folders */
static bool source_matches(const char *pattern, const struct trace_frame *frame)
{
    char line[4096];
    if (frame->file == NULL)
        return wildcard_match(pattern, unknown_name);
    const char *slash = strrchr(frame->file, '/');
    const char *base = slash != NULL ? slash + 1 : frame->file;
    if (wildcard_match(pattern, frame->file) || wildcard_match(pattern, base))
        return true;
    snprintf(line, sizeof line, "%s:%u", frame->file, frame->line);
    if (wildcard_match(pattern, line))
        return true;
    snprintf(line, sizeof line, "%s:%u", base, frame->line);
    return wildcard_match(pattern, line);
}

static bool line_matches(const struct suppress_line *line, const struct trace_frame *frame,
                         struct object_paths *paths)
{
    switch (line->what) {
    case SUPPRESS_FUNCTION:
        return function_matches(line->pattern, frame);
    case SUPPRESS_OBJECT:
        return object_matches(line->pattern, frame, paths);
    case SUPPRESS_SOURCE:
        return source_matches(line->pattern, frame);
    default:
        return false;
    }
}

/* What Valgrind says where these are called; of all others their own names. */
static const struct {
    const char *called;
    const char *names[3];
} allocator_names[] = {
    {"realloc", {"realloc", "malloc"}},
    {"reallocarray", {"reallocarray", "realloc", "malloc"}},
    {"aligned_alloc", {"aligned_alloc", "memalign"}},
    {"valloc", {"valloc", "memalign"}},
    {"pvalloc", {"pvalloc", "memalign"}},
    {"_Znwm", {"_Znwm", "operator new(unsigned long)", "__builtin_new"}},
    {"_Znam", {"_Znam", "operator new[](unsigned long)", "__builtin_vec_new"}},
};

static bool allocator_matches(const char *pattern, const char *allocator)
{
    for (size_t i = 0; i < COUNT(allocator_names); i++) {
        if (strcmp(allocator_names[i].called, allocator) != 0)
            continue;
        for (size_t j = 0; j < COUNT(allocator_names[i].names); j++) {
            if (string_matches(pattern, allocator_names[i].names[j]))
                return true;
        }
        return false;
    }
    return wildcard_match(pattern, allocator);
}

/* `allocator` NULL: it is not known which one it was, and any of them fits. */
static bool is_allocator_line(const struct suppress_line *line, const char *allocator)
{
    if (line->what != SUPPRESS_FUNCTION)
        return line->what == SUPPRESS_OBJECT && wildcard_match(line->pattern, allocator_object);
    return allocator != NULL ? allocator_matches(line->pattern, allocator)
                             : match_one_of(line->pattern, allocators, COUNT(allocators));
}

/* The frames that an entry is compared with: before the first one stands the allocation function, as
   frame 0. */
struct suppress_stack {
    const struct trace_frame *frames;
    size_t count;
    const char *allocator; /* NULL: unknown */
    struct object_paths *paths;
};

static bool frame_matches(const struct suppress_line *line, const struct suppress_stack *stack,
                          size_t frame)
{
    return frame == 0 ? is_allocator_line(line, stack->allocator)
                      : line_matches(line, &stack->frames[frame - 1], stack->paths);
}

/* Do the lines fit the frames from `first` outwards? Where `...` was met last, what follows it may begin
   one frame further out. */
static bool lines_match(const struct suppress_entry *entry, const struct suppress_stack *stack,
                        size_t first)
{
    size_t line = 0, frame = first, any = SIZE_MAX, from = 0;
    while (line < entry->line_count) {
        if (entry->lines[line].what == SUPPRESS_ANY) {
            any = line++;
            from = frame;
        } else if (frame <= stack->count && frame_matches(&entry->lines[line], stack, frame)) {
            line++;
            frame++;
        } else if (any != SIZE_MAX && from < stack->count) {
            line = any + 1;
            frame = ++from;
        } else {
            return false;
        }
    }
    return true;
}

/* How many frames are an operator new that called malloc: Valgrind ends its stacks before them. */
static size_t allocator_depth(const struct trace *trace)
{
    size_t depth = 0;
    while (depth < trace->count &&
           is_one_of(trace->frames[depth].linkage, allocators, COUNT(allocators)))
        depth++;
    return depth;
}

/* The allocation function that the innermost frame of the machine calls (inlined ones are part of it), if it
   is one that we know: a wrapper that jumps to malloc is none. */
static const char *called_allocator(const struct trace_frame *frames, size_t count)
{
    size_t i = 0;
    while (i < count && frames[i].inlined)
        i++;
    return i < count && is_one_of(frames[i].callee, allocators, COUNT(allocators))
               ? frames[i].callee
               : NULL;
}

/* From the frame at `from` outwards, with the allocation function or without. */
static bool lines_match_from(const struct suppress_entry *entry, const struct trace *trace,
                             size_t from, struct object_paths *paths)
{
    const struct trace_frame *frames = trace->frames + from;
    const struct suppress_stack stack = {
        .frames = frames,
        .count = trace->count - from,
        .allocator = called_allocator(frames, trace->count - from),
        .paths = paths,
    };
    return lines_match(entry, &stack, 0) || lines_match(entry, &stack, 1);
}

static bool leak_matches_frame(const char *pattern, const struct trace_frame *frame,
                               struct object_paths *paths)
{
    bool has_module = frame->module != NULL && *frame->module != '\0';
    const char *const strings[] = {
        frame->function,
        frame->linkage,
        frame->name,
        frame->file,
        has_module ? frame->module : "<unknown module>",
        has_module ? object_path_real(paths, frame->module) : NULL,
    };
    for (size_t i = 0; i < COUNT(strings); i++) {
        if (strings[i] != NULL && wildcard_search(pattern, strings[i]))
            return true;
    }
    return aliases_match(wildcard_search, pattern, frame->aliases);
}

static bool leak_matches(const char *pattern, const struct trace *trace, struct object_paths *paths)
{
    for (size_t i = 0; i < trace->count; i++) {
        if (leak_matches_frame(pattern, &trace->frames[i], paths))
            return true;
    }
    return false;
}

static bool entry_matches(const struct suppress_entry *entry, const struct trace *trace,
                          struct object_paths *paths)
{
    if (entry->lines[0].what == SUPPRESS_LEAK)
        return leak_matches(entry->lines[0].pattern, trace, paths);
    size_t depth = allocator_depth(trace);
    /* Which operator was called is known: what it does inside is nothing to Valgrind. */
    if (depth > 0 && called_allocator(trace->frames + depth, trace->count - depth) != NULL)
        return lines_match_from(entry, trace, depth, paths);
    return lines_match_from(entry, trace, 0, paths) ||
           (depth > 0 && lines_match_from(entry, trace, depth, paths));
}

struct suppress_entry *suppress_find(struct suppress *suppress, const struct trace *trace,
                                     enum mtf_leak_kind kind)
{
    for (size_t i = 0; i < suppress->count; i++) {
        struct suppress_entry *entry = &suppress->entries[i];
        if ((entry->kinds & leak_kind_bit(kind)) != 0 &&
            entry_matches(entry, trace, &suppress->paths))
            return entry;
    }
    return NULL;
}
