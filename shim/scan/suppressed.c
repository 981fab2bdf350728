#include "scan/suppressed.h"
#include "base/decimal.h"
#include "base/heap.h"
#include "stack/symbols.h"
#include "store/file.h"
#include "store/name.h"

#include <string.h>

#define SUPPRESSED_TEXT_MAX (1u << 20)
#define SUPPRESSED_PATTERN_MAX 256u

static char *suppressed_text; /* NULL: none. LOCK_START, as the next */
static size_t suppressed_length;

void suppressed_take(const char *text)
{
    size_t length = strlen(text);
    if (suppressed_text || length == 0 || length > SUPPRESSED_TEXT_MAX)
        return;
    suppressed_text = heap_alloc(length + 1);
    if (suppressed_text == NULL)
        return;
    memcpy(suppressed_text, text, length + 1);
    suppressed_length = length;
    file_header->suppressions = name_add(text, length);
}

/* ---- patterns ---- */

/* LeakSanitizer's: a part of the string, with * for anything, ^ for its begin and $ for its end. */
static bool suppressed_fits(const char *pattern, const char *string)
{
    bool begins = *pattern == '^', star = false;
    pattern += begins;
    while (*pattern) {
        if (*pattern == '*') {
            pattern++;
            begins = false;
            star = true;
            continue;
        }
        if (*pattern == '$')
            return *string == '\0' || star;
        size_t length = strcspn(pattern, "*$");
        const char *found = memmem(string, strlen(string), pattern, length);
        if (found == NULL || (begins && found != string))
            return false;
        string = found + length;
        pattern += length;
        begins = star = false;
    }
    return true;
}

static bool suppressed_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* scope::name as the Itanium C++ ABI mangles it: 5scope4name. */
static void suppressed_mangle(const char *pattern, char mangled[2 * SUPPRESSED_PATTERN_MAX])
{
    char digits[DECIMAL_MAX];
    size_t at = 0;
    while (*pattern && at < SUPPRESSED_PATTERN_MAX) {
        size_t length = 0;
        while (suppressed_is_word(pattern[length]))
            length++;
        if (length == 0) {
            if (*pattern != ':')
                mangled[at++] = *pattern;
            pattern++;
            continue;
        }
        const char *number = decimal_of(length, digits);
        size_t number_length = (size_t)(digits + DECIMAL_MAX - number);
        memcpy(mangled + at, number, number_length);
        memcpy(mangled + at + number_length, pattern, length);
        at += number_length + length;
        pattern += length;
    }
    mangled[at] = '\0';
}

/* The next line that is a pattern; *at moves on. False: no more. */
static bool suppressed_next(const char **at, char pattern[SUPPRESSED_PATTERN_MAX])
{
    static const char kind[] = "leak:";
    while (**at) {
        const char *line = *at + strspn(*at, " \t");
        size_t length = strcspn(line, "\r\n");
        *at = line + length;
        *at += strspn(*at, "\r\n");
        if (length < sizeof kind || strncmp(line, kind, sizeof kind - 1) != 0)
            continue;
        line += sizeof kind - 1;
        length -= sizeof kind - 1;
        if (length >= SUPPRESSED_PATTERN_MAX)
            continue;
        memcpy(pattern, line, length);
        pattern[length] = '\0';
        return true;
    }
    return false;
}

static bool suppressed_covers(const char *function, const char *module)
{
    char pattern[SUPPRESSED_PATTERN_MAX], mangled[2 * SUPPRESSED_PATTERN_MAX];
    for (const char *at = suppressed_text; suppressed_next(&at, pattern);) {
        suppressed_mangle(pattern, mangled);
        if (suppressed_fits(pattern, module) ||
            (function && (suppressed_fits(pattern, function) ||
                          (strstr(pattern, "::") && suppressed_fits(mangled, function)))))
            return true;
    }
    return false;
}

/* ---- losses ---- */

/* The module whose symbols are open; most frames of a stack are of one or two. */
struct suppressed_work {
    struct symbols symbols;
    uint32_t module; /* 0: none */
    bool open;
};

static const char *suppressed_path(uint32_t module)
{
    const struct mtf_module *modules = file_table(MTF_KIND_MODULES);
    return module ? name_text(modules[module].path) : "";
}

static const char *suppressed_function(struct suppressed_work *work, const struct mtf_frame *frame)
{
    if (frame->module == 0)
        return NULL;
    if (work->module != frame->module) {
        if (work->open)
            symbols_close(&work->symbols);
        work->module = frame->module;
        work->open = symbols_open(&work->symbols, suppressed_path(frame->module), SYMBOLS_EITHER);
    }
    uint64_t address = frame->offset - (frame->flags & MTF_NODE_EXACT ? 0 : 1);
    return work->open ? symbols_name(&work->symbols, address) : NULL;
}

static bool suppressed_stack(struct suppressed_work *work, uint32_t node)
{
    const struct mtf_node *nodes = file_table(MTF_KIND_NODES);
    const struct mtf_frame *frames = file_table(MTF_KIND_FRAMES);
    for (; node; node = nodes[node].parent) {
        const struct mtf_frame *frame = &frames[nodes[node].frame];
        if (suppressed_covers(suppressed_function(work, frame), suppressed_path(frame->module)))
            return true;
    }
    return false;
}

void suppressed_count(uint32_t check, struct mtf_check *record)
{
    const struct mtf_loss *losses = file_table(MTF_KIND_LOSSES);
    const struct mtf_site *sites = file_table(MTF_KIND_SITES);
    struct suppressed_work work = {.module = 0};
    if (suppressed_text == NULL)
        return;
    for (uint64_t i = 0; i < file_count(MTF_KIND_LOSSES); i++) {
        const struct mtf_loss *loss = &losses[i];
        if (loss->check != check || loss->kind == MTF_LEAK_REACHABLE ||
            !suppressed_stack(&work, sites[loss->site].node))
            continue;
        record->blocks[loss->kind] -= loss->blocks;
        record->bytes[loss->kind] -= loss->bytes;
        record->blocks[MTF_LEAK_IGNORED] += loss->blocks;
        record->bytes[MTF_LEAK_IGNORED] += loss->bytes;
    }
    if (work.open)
        symbols_close(&work.symbols);
}
