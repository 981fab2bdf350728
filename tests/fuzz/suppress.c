/* Any suppression file, read and tried on a stack: patterns end soon and read nothing behind their ends. */
#include "gate/suppress.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct trace_frame frames[] = {
    {.linkage = "_Znwm", .function = "operator new(unsigned long)", .module = ""},
    {.linkage = "_ZN3app4makeEv",
     .function = "app::make()",
     .name = "make",
     .aliases = "make_alias\n_ZN3app5otherEv",
     .callee = "_Znwm",
     .file = "/src/app.cc",
     .line = 12,
     .module = "/opt/app",
     .inlined = true},
    {.offset = 1234},
    {.function = "main", .linkage = "main", .file = "main.c", .module = "/opt/app"},
};

static const struct trace *stack_get(void)
{
    static struct trace *trace;
    if (trace == NULL)
        trace = calloc(1, sizeof *trace + sizeof frames);
    if (trace == NULL)
        abort();
    trace->count = sizeof frames / sizeof frames[0];
    memcpy(trace->frames, frames, sizeof frames);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct suppress suppress = {0};
    char message[256] = "";
    int error =
        suppress_parse(&suppress, "file", (const char *)bytes, size, message, sizeof message);
    if (error != 0 && *message == '\0')
        abort();
    for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE; kind++)
        suppress_find(&suppress, stack_get(), (enum mtf_leak_kind)kind);
    suppress_free(&suppress);
    return 0;
}
