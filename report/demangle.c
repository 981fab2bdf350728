#include "demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct demangle_output {
    jmp_buf full; /* where to go on when the result is too long */
    size_t length;
    char text[DEMANGLE_RESULT_MAX];
};

/* libiberty has no way to stop it but leaving: it holds no memory while it prints C++ names, and at
   most a small buffer while it prints Rust names. */
static void demangle_append(const char *bytes, size_t length, void *opaque)
{
    struct demangle_output *output = opaque;
    if (length >= sizeof output->text - output->length)
        longjmp(output->full, 1);
    if (length > 0) /* the Rust half passes a null pointer for an empty piece */
        memcpy(output->text + output->length, bytes, length);
    output->length += length;
}

static bool demangle_into(struct demangle_output *output, const char *name)
{
    const int options = DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP;

    if (setjmp(output->full) != 0)
        return false;
    output->length = 0;
    if (rust_demangle_callback(name, options, demangle_append, output))
        return true;
    output->length = 0;
    return cplus_demangle_v3_callback(name, options, demangle_append, output) != 0;
}

char *demangle_name(const char *name)
{
    if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R'))
        return NULL;
    if (strnlen(name, DEMANGLE_NAME_MAX + 1) > DEMANGLE_NAME_MAX)
        return NULL;

    struct demangle_output *output = malloc(sizeof *output);
    if (output == NULL)
        return NULL;
    char *result = demangle_into(output, name) ? strndup(output->text, output->length) : NULL;
    free(output);
    return result;
}
