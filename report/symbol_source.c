#include "symbol_source.h"

static int source_lookup(void *context, const struct symbol_module *module, uint64_t address,
                         bool exact, const struct symbol_frame **frames)
{
    return symbolizer_lookup(context, module, address, exact, frames);
}

static const char *source_complaint(void *context, const struct symbol_module *module)
{
    return symbolizer_complaint(context, module);
}

struct frame_source symbol_source(struct symbolizer *symbolizer)
{
    return (struct frame_source){symbolizer, source_lookup, source_complaint, NULL};
}
