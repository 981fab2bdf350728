#include "fake_names.h"

#include <string.h>

unsigned fake_names_asked;

static const struct symbol_frame unknown;

static const struct {
    uint64_t offset;
    int count;
    struct symbol_frame frames[3];
} answers[] = {
    {FAKE_START, 1, {{.function = "__libc_start_call_main"}}},
    {FAKE_MAIN, 1, {{.function = "main", .file = "/home/me/src/demo.c", .line = 40}}},
    {FAKE_LEAK, 1, {{.function = "leak_here", .file = "/home/me/src/demo.c", .line = 12}}},
    {FAKE_INLINED,
     3,
     {{.function = "inner", .file = "/usr/include/demo.h", .line = 3, .inlined = true},
      {.function = "middle", .file = "/usr/include/demo.h", .line = 8, .inlined = true},
      {.function = "outer", .file = "/home/me/src/demo.c", .line = 25}}},
    {FAKE_FILL, 1, {{.function = "fill(std::vector<int, std::allocator<int> >&)"}}},
    {FAKE_VECTOR,
     1,
     {{.function = "void std::vector<int, std::allocator<int> "
                   ">::_M_realloc_insert<int>(int*, int&&)"}}},
    {FAKE_NEW, 1, {{.function = "operator new(unsigned long)"}}},
    {FAKE_HOSTILE, 1, {{.function = "bad\033[31m\xff\xc3name"}}},
};

static int fake_lookup(void *context, const struct symbol_module *module, uint64_t address,
                       bool exact, const struct symbol_frame **frames)
{
    (void)context;
    (void)module;
    (void)exact;
    fake_names_asked++;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].offset == address) {
            *frames = answers[i].frames;
            return answers[i].count;
        }
    }
    *frames = &unknown;
    return 1;
}

static const char *fake_complaint(void *context, const struct symbol_module *module)
{
    (void)context;
    return strcmp(module->path, "/opt/libplain.so") == 0 ? "has no symbols" : NULL;
}

const struct frame_source fake_names = {NULL, fake_lookup, fake_complaint, NULL};
