#include "leaks/leak_record.h"
#include "leaks/stack_key.h"
#include "suppress.h"

#include <string.h>

/* Valgrind refuses entries with more lines; the first ones fit a deeper stack as well. */
#define SUPPRESS_LINES_MAX 24

/* Characters that mean more, or would end the line, become `?`. */
static void put_name(FILE *out, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        fputc(byte < 0x20 || byte == 0x7f || strchr("*\\", byte) != NULL ? '?' : byte, out);
    }
}

/* "make<double>" -> "make": arguments of templates are spelled in many ways. */
static size_t plain_length(const char *name)
{
    static const char operator[] = "operator";
    size_t skipped = strncmp(name, operator, strlen(operator)) == 0 ? strlen(operator) : 0;
    skipped += skipped > 0 ? strspn(name + skipped, "<=>") : 0;
    return skipped + strcspn(name + skipped, "<");
}

/* An inlined function is, for Valgrind, called as in the source, and as in the symbol table where the
   next build does not inline it. What compilers append to the name of a function's copy comes and goes. */
static void put_function(FILE *out, const struct trace_frame *frame)
{
    const char *function = frame->linkage != NULL ? frame->linkage : frame->function;
    size_t length = stack_key_function_length(function);
    fputs("   fun:", out);
    if (frame->inlined && frame->name != NULL && strcmp(frame->name, function) != 0) {
        fputc('*', out);
        put_name(out, frame->name, plain_length(frame->name));
        fputc('*', out);
    } else {
        put_name(out, function, length);
        fputs(function[length] != '\0' ? "*" : "", out);
    }
    fputc('\n', out);
}

/* By the file's name alone: it lies elsewhere on the next machine. */
static void put_object(FILE *out, const char *module)
{
    const char *slash = module != NULL ? strrchr(module, '/') : NULL;
    fputs("   obj:*", out);
    if (slash != NULL)
        put_name(out, slash, strlen(slash));
    fputc('\n', out);
}

static void put_frame(FILE *out, const struct trace_frame *frame)
{
    if (frame->linkage != NULL || frame->function != NULL)
        put_function(out, frame);
    else
        put_object(out, frame->module);
}

/* The allocation function is any function of one frame: which it was is not known. Frames of libraries'
   insides differ from one version to the next: they are what `...` stands for. */
void suppress_write(FILE *out, const struct trace *trace, enum mtf_leak_kind kind)
{
    const struct trace_frame *frame = trace_next(trace, NULL);
    const struct trace_frame *expected = trace->frames;
    const char *function = frame != NULL ? frame->function : NULL;
    fputs("{\n   ", out);
    put_name(out, function != NULL ? function : "unknown function",
             strlen(function != NULL ? function : "unknown function"));
    fprintf(out, "\n   Memcheck:Leak\n   match-leak-kinds: %s\n   obj:*\n", leak_kind_name(kind));
    for (int lines = 1; frame != NULL && lines + 2 <= SUPPRESS_LINES_MAX;
         frame = trace_next(trace, frame)) {
        if (frame != expected)
            fputs("   ...\n", out);
        lines += frame != expected ? 2 : 1;
        put_frame(out, frame);
        expected = frame + 1;
    }
    fputs("}\n", out);
}
