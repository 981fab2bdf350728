#include "hook/lsan.h"
#include "base/real.h"
#include "memtrack/format.h"
#include "stack/symbols.h"
#include "store/file.h"

#include <dlfcn.h>
#include <string.h>

/* compiler-rt, sanitizer/lsan_interface.h; not in a header of ours, as the program defines them. */
static struct {
    int (*is_turned_off)(void);
    const char *(*suppressions)(void);
    bool searched; /* the program's own symbol table, too */
} lsan_program;    /* the first thread at the start, then whoever ends the process */

void lsan_start(void)
{
    if (!real_may_miss())
        return;
    void *found = dlsym(RTLD_DEFAULT, "__lsan_is_turned_off");
    memcpy(&lsan_program.is_turned_off, &found, sizeof found);
    found = dlsym(RTLD_DEFAULT, "__lsan_default_suppressions");
    memcpy(&lsan_program.suppressions, &found, sizeof found);
    real_forget_errors();
}

static const struct mtf_module *lsan_program_module(void)
{
    const struct mtf_module *modules = file_table(MTF_KIND_MODULES);
    for (uint64_t i = 1; i < file_count(MTF_KIND_MODULES); i++) {
        if (modules[i].flags & MTF_MODULE_PROGRAM)
            return &modules[i];
    }
    return NULL;
}

static void lsan_take(const struct symbols *symbols, const char *name, uint64_t bias,
                      void *function)
{
    uintptr_t address = symbols_address(symbols, name);
    if (address == 0)
        return;
    address += bias;
    memcpy(function, &address, sizeof address);
}

/* A program that was not linked with LeakSanitizer's library does not export them. */
static void lsan_search(void)
{
    struct symbols symbols;
    const struct mtf_module *program = lsan_program_module();
    if (lsan_program.searched || program == NULL)
        return;
    lsan_program.searched = true;
    if (!symbols_open(&symbols, "/proc/thread-self/exe", SYMBOLS_OWN))
        return;
    if (lsan_program.is_turned_off == NULL)
        lsan_take(&symbols, "__lsan_is_turned_off", program->bias, &lsan_program.is_turned_off);
    if (lsan_program.suppressions == NULL)
        lsan_take(&symbols, "__lsan_default_suppressions", program->bias,
                  &lsan_program.suppressions);
    symbols_close(&symbols);
}

bool lsan_is_turned_off(void)
{
    lsan_search();
    return lsan_program.is_turned_off && lsan_program.is_turned_off();
}

const char *lsan_suppressions(void)
{
    lsan_search();
    return lsan_program.suppressions ? lsan_program.suppressions() : NULL;
}
