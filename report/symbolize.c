#include "symbolize.h"
#include "demangle.h"
#include "dwarf_names.h"
#include "memtrack/format.h"
#include "symbol_cache.h"
#include "symbol_calls.h"
#include "symbol_file.h"
#include "symbol_stamp.h"
#include "symbol_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What does not fit into a table is not found again: it is computed anew, or unknown. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* A longer file name is kept as the compiler wrote it. */
#define SYMBOL_PATH_MAX 4096

/* A string of the symbolizer's own. */
struct symbol_text {
    UT_hash_handle hh;
    char *demangled; /* for linkage names; NULL: it is not a mangled one */
    char text[];
};

struct symbol_answer {
    UT_hash_handle hh;
    uint64_t address; /* of the instruction, also where a return address was asked for */
    int count;
    struct symbol_frame frames[];
};

/* What makes two modules, maybe of several reports, the same file. The path follows. */
struct symbol_identity {
    uint64_t inode;
    uint64_t file_size;
    int64_t mtime_ns;
    uint64_t low; /* addresses in terms of the ELF file */
    uint64_t high;
    uint32_t vdso;
    uint32_t build_id_length;
    uint8_t build_id[MTF_BUILD_ID_MAX];
};

struct symbol_source {
    UT_hash_handle hh;
    struct symbol_file file;
    struct symbol_table table;
    struct dwarf_names *dwarf; /* NULL: no debug information */
    Dwarf_Addr dwarf_bias;
    struct symbol_calls *calls; /* NULL: not asked for, or not known */
    struct symbol_cache *cache; /* NULL: none */
    bool read;                  /* table and dwarf are, and calls if they are wanted */
    bool wants_calls;
    char complaint[160]; /* empty: none */
    struct symbol_answer *answers;
    char identity[]; /* struct symbol_identity, then the path */
};

struct symbolizer {
    struct symbol_source *sources;
    struct symbol_text *files;
    struct symbol_text *names;
    char *cache_folder; /* NULL: nothing is kept */
    bool wants_calls;
};

struct symbolizer *symbolizer_open(void)
{
    return calloc(1, sizeof(struct symbolizer));
}

struct symbolizer *symbolizer_open_cached(void)
{
    struct symbolizer *symbolizer = symbolizer_open();
    if (symbolizer != NULL)
        symbolizer->cache_folder = symbol_cache_folder();
    if (symbolizer != NULL)
        symbolizer->wants_calls = true;
    return symbolizer;
}

static void symbol_texts_free(struct symbol_text **texts)
{
    struct symbol_text *text;
    struct symbol_text *next;
    HASH_ITER(hh, *texts, text, next)
    {
        HASH_DEL(*texts, text);
        free(text->demangled);
        free(text);
    }
}

static void symbol_source_free(struct symbol_source *source)
{
    struct symbol_answer *answer;
    struct symbol_answer *next;
    symbol_cache_close(source->cache);
    HASH_ITER(hh, source->answers, answer, next)
    {
        HASH_DEL(source->answers, answer);
        free(answer);
    }
    dwarf_names_close(source->dwarf);
    symbol_calls_close(source->calls);
    symbol_table_free(&source->table);
    symbol_file_close(&source->file);
    free(source);
}

void symbolizer_close(struct symbolizer *symbolizer)
{
    struct symbol_source *source;
    struct symbol_source *next;
    if (symbolizer == NULL)
        return;
    HASH_ITER(hh, symbolizer->sources, source, next)
    {
        HASH_DEL(symbolizer->sources, source);
        symbol_source_free(source);
    }
    symbol_texts_free(&symbolizer->files);
    symbol_texts_free(&symbolizer->names);
    free(symbolizer->cache_folder);
    free(symbolizer);
}

/* The symbolizer's copy of the string; NULL: out of memory. */
static struct symbol_text *symbol_text_intern(struct symbol_text **texts, const char *bytes,
                                              size_t length, bool *added)
{
    struct symbol_text *text;
    HASH_FIND(hh, *texts, bytes, length, text);
    *added = text == NULL;
    if (text)
        return text;
    text = calloc(1, sizeof *text + length + 1);
    if (text == NULL)
        return NULL;
    memcpy(text->text, bytes, length);
    HASH_ADD_KEYPTR(hh, *texts, text->text, length, text);
    if (text->hh.tbl == NULL) {
        free(text);
        return NULL;
    }
    return text;
}

/* A linkage name, without "@VERSION". */
static const struct symbol_text *symbol_linkage(struct symbolizer *symbolizer, const char *name)
{
    bool added;
    if (name == NULL)
        return NULL;
    struct symbol_text *text =
        symbol_text_intern(&symbolizer->names, name, strcspn(name, "@"), &added);
    if (text && added)
        text->demangled = demangle_name(text->text);
    return text;
}

/* Takes "//", "/./" and "/x/.." out of an absolute path, in place; says nothing about links. */
static void symbol_path_straighten(char *path)
{
    size_t to = 0;
    const char *from = path;
    while (*from) {
        size_t length = strcspn(from + 1, "/") + 1;
        if (length == 3 && memcmp(from, "/..", 3) == 0) {
            while (to > 0 && path[--to] != '/')
                ;
        } else if (length > 1 && !(length == 2 && from[1] == '.')) {
            memmove(path + to, from, length);
            to += length;
        }
        from += length;
    }
    path[to] = '\0';
}

static const char *symbol_source_file(struct symbolizer *symbolizer, const char *folder,
                                      const char *file)
{
    char path[SYMBOL_PATH_MAX];
    bool added;
    if (file == NULL)
        return NULL;
    bool join = file[0] != '/' && folder && folder[0] == '/';
    int length = snprintf(path, sizeof path, "%s%s%s", join ? folder : "", join ? "/" : "", file);
    if (length < 0 || (size_t)length >= sizeof path)
        snprintf(path, sizeof path, "%s", file);
    else if (path[0] == '/')
        symbol_path_straighten(path);
    struct symbol_text *text = symbol_text_intern(&symbolizer->files, path, strlen(path), &added);
    return text ? text->text : NULL;
}

static Elf *symbol_source_elf(const struct symbol_source *source)
{
    GElf_Addr bias;
    return dwfl_module_getelf(source->file.module, &bias);
}

/* Reads symbols and debug information, once they are needed. */
static void symbol_source_read(struct symbol_source *source)
{
    const char *complaint = source->file.complaint;
    bool named = false;
    if (source->read)
        return;
    source->read = true;
    if (source->file.module) {
        symbol_table_read(&source->table, source->file.module);
        Dwarf *dwarf = dwfl_module_getdwarf(source->file.module, &source->dwarf_bias);
        if (dwarf)
            source->dwarf = dwarf_names_open(dwarf);
        if (source->wants_calls && complaint == NULL)
            source->calls = symbol_calls_open(symbol_source_elf(source));
        named = source->table.count > 0 || source->dwarf;
        if (complaint == NULL && !named)
            complaint = "is stripped: it has neither symbols nor debug information";
    }
    if (complaint)
        snprintf(source->complaint, sizeof source->complaint, "%s%s", complaint,
                 source->file.complaint && named ? "; its debug file was found by build-id" : "");
}

static void symbol_source_open(struct symbolizer *symbolizer, struct symbol_source *source,
                               const struct symbol_module *module)
{
    symbol_file_open(&source->file, module);
    source->wants_calls = symbolizer->wants_calls;
    if (symbolizer->cache_folder == NULL || module->build_id_length == 0)
        return;
    char *stamp = symbol_stamp_make(&source->file, module);
    if (stamp != NULL)
        source->cache = symbol_cache_open(symbolizer->cache_folder, module->build_id,
                                          module->build_id_length, stamp);
    free(stamp);
}

/* Fills `identity`, which has room for the path. Returns its length. */
static size_t symbol_identity_make(char *identity, const struct symbol_module *module,
                                   size_t path_length)
{
    struct symbol_identity fixed;
    memset(&fixed, 0, sizeof fixed);
    fixed.inode = module->inode;
    fixed.file_size = module->file_size;
    fixed.mtime_ns = module->mtime_ns;
    fixed.low = module->start - module->bias;
    fixed.high = module->end - module->bias;
    fixed.vdso = module->flags & MTF_MODULE_VDSO;
    fixed.build_id_length =
        module->build_id_length < MTF_BUILD_ID_MAX ? module->build_id_length : MTF_BUILD_ID_MAX;
    if (fixed.build_id_length)
        memcpy(fixed.build_id, module->build_id, fixed.build_id_length);
    memcpy(identity, &fixed, sizeof fixed);
    memcpy(identity + sizeof fixed, module->path, path_length);
    return sizeof fixed + path_length;
}

/* The module's file, opened when it is first asked for. NULL: out of memory. */
static struct symbol_source *symbol_source_get(struct symbolizer *symbolizer,
                                               const struct symbol_module *module)
{
    struct symbol_source *found;
    size_t path_length = strlen(module->path);
    struct symbol_source *source =
        calloc(1, sizeof *source + sizeof(struct symbol_identity) + path_length + 1);
    if (source == NULL)
        return NULL;
    size_t length = symbol_identity_make(source->identity, module, path_length);
    HASH_FIND(hh, symbolizer->sources, source->identity, length, found);
    if (found == NULL) {
        HASH_ADD_KEYPTR(hh, symbolizer->sources, source->identity, length, source);
        if (source->hh.tbl) {
            symbol_source_open(symbolizer, source, module);
            return source;
        }
    }
    free(source);
    return found;
}

/* C libraries define `__strdup` and export it as `strdup`, which is what the program called. */
static const char *symbol_public(const char *name, const struct symbol_text *exported)
{
    if (exported && strspn(exported->text, "_") < strspn(name, "_"))
        return exported->text;
    return name;
}

/* `symbol` is what the symbol table says of the function around the inlined ones. */
static void symbol_frame_fill(struct symbolizer *symbolizer, struct symbol_frame *frame,
                              const struct dwarf_frame *known, const char *symbol)
{
    const struct symbol_text *debug = symbol_linkage(symbolizer, known->linkage);
    const struct symbol_text *table = symbol_linkage(symbolizer, symbol);
    const struct symbol_text *plain = symbol_linkage(symbolizer, known->name);

    if (debug && debug->demangled)
        frame->function = debug->demangled;
    else if (table && table->demangled)
        frame->function = table->demangled;
    else if (plain)
        frame->function = symbol_public(plain->text, table);
    else if (debug || table)
        frame->function = debug ? debug->text : table->text;
    const struct symbol_text *linkage = table ? table : debug ? debug : plain;
    frame->linkage = linkage ? linkage->text : NULL;
    frame->name = plain ? plain->text : NULL;
    frame->file = symbol_source_file(symbolizer, known->folder, known->file);
    frame->line = known->line;
    frame->column = known->column;
}

/* "strdup" is "__strdup", too: whoever looks for one of the names may have the other in mind. */
static void symbol_frame_aliases(struct symbolizer *symbolizer, const struct symbol_source *source,
                                 struct symbol_frame *frame, uint64_t address)
{
    bool added;
    char *names = symbol_table_aliases(&source->table, address);
    if (names == NULL)
        return;
    struct symbol_text *text = symbol_text_intern(&symbolizer->files, names, strlen(names), &added);
    frame->aliases = text ? text->text : NULL;
    free(names);
}

/* `address` is that of a call's last byte. */
static void symbol_frame_callee(struct symbolizer *symbolizer, const struct symbol_source *source,
                                struct symbol_frame *frame, uint64_t address)
{
    const char *name = source->calls != NULL ? symbol_calls_find(source->calls, address + 1) : NULL;
    const struct symbol_text *text = symbol_linkage(symbolizer, name);
    frame->callee = text ? text->text : NULL;
}

static struct symbol_answer *symbol_answer_make(struct symbolizer *symbolizer,
                                                struct symbol_source *source, uint64_t address)
{
    struct dwarf_frame known[DWARF_FRAMES_MAX] = {{0}};
    int count = 0;
    symbol_source_read(source);
    if (source->dwarf)
        count = dwarf_names_find(source->dwarf, address - source->dwarf_bias, known);
    if (count == 0)
        count = 1;
    struct symbol_answer *answer =
        calloc(1, sizeof *answer + (size_t)count * sizeof *answer->frames);
    if (answer == NULL)
        return NULL;
    answer->address = address;
    answer->count = count;
    for (int i = 0; i < count; i++) {
        bool inlined = i + 1 < count;
        answer->frames[i].inlined = inlined;
        symbol_frame_fill(symbolizer, &answer->frames[i], &known[i],
                          inlined ? NULL : symbol_table_find(&source->table, address));
    }
    symbol_frame_aliases(symbolizer, source, &answer->frames[count - 1], address);
    symbol_frame_callee(symbolizer, source, &answer->frames[count - 1], address);
    HASH_ADD(hh, source->answers, address, sizeof answer->address, answer);
    if (answer->hh.tbl == NULL) {
        free(answer);
        return NULL;
    }
    if (source->cache != NULL)
        symbol_cache_add(source->cache, address, answer->frames, count);
    return answer;
}

int symbolizer_lookup(struct symbolizer *symbolizer, const struct symbol_module *module,
                      uint64_t address, bool exact, const struct symbol_frame **frames)
{
    struct symbol_answer *answer;
    struct symbol_source *source = symbol_source_get(symbolizer, module);
    if (source == NULL)
        return -ENOMEM;
    if (!exact && address > 0)
        address--;
    int kept = source->cache != NULL ? symbol_cache_find(source->cache, address, frames) : 0;
    if (kept > 0)
        return kept;
    HASH_FIND(hh, source->answers, &address, sizeof address, answer);
    if (answer == NULL)
        answer = symbol_answer_make(symbolizer, source, address);
    if (answer == NULL)
        return -ENOMEM;
    *frames = answer->frames;
    return answer->count;
}

const char *symbolizer_complaint(struct symbolizer *symbolizer, const struct symbol_module *module)
{
    struct symbol_source *source = symbol_source_get(symbolizer, module);
    if (source == NULL)
        return NULL;
    /* All that was asked for was kept from an earlier run: nothing is missing. */
    if (!source->read && source->cache != NULL && source->file.complaint == NULL)
        return NULL;
    symbol_source_read(source);
    return source->complaint[0] ? source->complaint : NULL;
}
