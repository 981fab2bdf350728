#include "suppress.h"
#include "leaks/leak_record.h"
#include "memtrack/format.h"
#include "wildcard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What the first line of an entry for Valgrind names: the function that was called to allocate. Which one
   it was is not in the report. */
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

static bool function_matches(const char *pattern, const struct trace_frame *frame)
{
    if (frame->linkage != NULL && wildcard_match(pattern, frame->linkage))
        return true;
    if (frame->function != NULL && wildcard_match(pattern, frame->function))
        return true;
    return strcmp(pattern, "(below main)") == 0 &&
           is_one_of(frame->function, below_main, COUNT(below_main));
}

/* file or file:line, with or without folders */
static bool source_matches(const char *pattern, const struct trace_frame *frame)
{
    char line[4096];
    if (frame->file == NULL)
        return false;
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

static bool line_matches(const struct suppress_line *line, const struct trace_frame *frame)
{
    switch (line->what) {
    case SUPPRESS_FUNCTION:
        return function_matches(line->pattern, frame);
    case SUPPRESS_OBJECT:
        return frame->module != NULL && wildcard_match(line->pattern, frame->module);
    case SUPPRESS_SOURCE:
        return source_matches(line->pattern, frame);
    default:
        return false;
    }
}

static bool is_allocator_line(const struct suppress_line *line)
{
    if (line->what == SUPPRESS_FUNCTION)
        return match_one_of(line->pattern, allocators, COUNT(allocators));
    return line->what == SUPPRESS_OBJECT && wildcard_match(line->pattern, allocator_object);
}

/* Frame 0 is the allocation function, which stands before the first one of ours. */
static bool frame_matches(const struct suppress_line *line, const struct trace *trace, size_t frame)
{
    return frame == 0 ? is_allocator_line(line) : line_matches(line, &trace->frames[frame - 1]);
}

/* Do the lines fit the frames from `first` outwards? Where `...` was met last, what follows it may begin
   one frame further out. */
static bool lines_match(const struct suppress_entry *entry, const struct trace *trace, size_t first)
{
    size_t line = 0, frame = first, any = SIZE_MAX, from = 0;
    while (line < entry->line_count) {
        if (entry->lines[line].what == SUPPRESS_ANY) {
            any = line++;
            from = frame;
        } else if (frame <= trace->count && frame_matches(&entry->lines[line], trace, frame)) {
            line++;
            frame++;
        } else if (any != SIZE_MAX && from < trace->count) {
            line = any + 1;
            frame = ++from;
        } else {
            return false;
        }
    }
    return true;
}

static bool entry_matches(const struct suppress_entry *entry, const struct trace *trace)
{
    return lines_match(entry, trace, 0) || lines_match(entry, trace, 1);
}

static bool leak_matches(const char *pattern, const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct trace_frame *frame = &trace->frames[i];
        const char *const strings[] = {frame->function, frame->linkage, frame->file, frame->module};
        for (size_t j = 0; j < COUNT(strings); j++) {
            if (strings[j] != NULL && wildcard_search(pattern, strings[j]))
                return true;
        }
    }
    return false;
}

struct suppress_entry *suppress_find(struct suppress *suppress, const struct trace *trace,
                                     enum mtf_leak_kind kind)
{
    for (size_t i = 0; i < suppress->count; i++) {
        struct suppress_entry *entry = &suppress->entries[i];
        if ((entry->kinds & leak_kind_bit(kind)) == 0)
            continue;
        if (entry->lines[0].what == SUPPRESS_LEAK ? leak_matches(entry->lines[0].pattern, trace)
                                                  : entry_matches(entry, trace))
            return entry;
    }
    return NULL;
}

/* A line of the entry; characters that mean more, or would end the line, become `?`. */
static void write_pattern(FILE *out, const char *mark, const char *text)
{
    fprintf(out, "   %s", mark);
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f || *text == '*' ? '?' : *text, out);
    fputc('\n', out);
}

static void write_frame(FILE *out, const struct trace_frame *frame)
{
    const char *function = frame->linkage != NULL ? frame->linkage : frame->function;
    if (function != NULL)
        write_pattern(out, "fun:", function);
    else if (frame->module != NULL && *frame->module != '\0')
        write_pattern(out, "obj:", frame->module);
    else
        write_pattern(out, "obj:", "*");
}

/* The allocation function is any function of one frame: which it was is not known. Frames of libraries'
   insides differ from one version to the next: they are what `...` stands for. */
void suppress_write(FILE *out, const struct trace *trace, enum mtf_leak_kind kind)
{
    const struct trace_frame *frame = trace_next(trace, NULL);
    const struct trace_frame *expected = trace->frames;
    const char *function = frame != NULL ? frame->function : NULL;
    fputs("{\n", out);
    write_pattern(out, "", function != NULL ? function : "unknown function");
    fprintf(out, "   Memcheck:Leak\n   match-leak-kinds: %s\n   obj:*\n", leak_kind_name(kind));
    for (; frame != NULL; frame = trace_next(trace, frame)) {
        if (frame != expected)
            fputs("   ...\n", out);
        write_frame(out, frame);
        expected = frame + 1;
    }
    fputs("}\n", out);
}
