/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "functions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct function_entry {
    struct function function;
    char *key;
    uint32_t id;
    UT_hash_handle hh;
};

struct functions {
    bool lines;
    struct function_entry *index;
    struct function_entry **entries; /* by id */
    uint32_t count;
    uint32_t room;
};

struct functions *functions_open(bool lines)
{
    struct functions *functions = calloc(1, sizeof *functions);
    if (functions != NULL)
        functions->lines = lines;
    return functions;
}

static void entry_free(struct function_entry *entry)
{
    free(entry->function.name);
    free(entry->function.linkage);
    free(entry->function.module);
    free(entry->function.file);
    free(entry->key);
    free(entry);
}

void functions_close(struct functions *functions)
{
    if (functions == NULL)
        return;
    HASH_CLEAR(hh, functions->index);
    for (uint32_t i = 0; i < functions->count; i++)
        entry_free(functions->entries[i]);
    free(functions->entries);
    free(functions);
}

const char *functions_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* As the text report names a frame. */
static char *frame_name(const struct snapshot *snapshot, const struct frame *frame)
{
    const char *path = snapshot->modules[frame->module].path;
    char *name = NULL;
    if (frame->name->function != NULL)
        return strdup(frame->name->function);
    int length =
        frame->module == 0
            ? asprintf(&name, "0x%" PRIx64, frame->offset)
            : asprintf(&name, "%s+0x%" PRIx64,
                       *path != '\0' ? functions_base_name(path) : "unknown module", frame->offset);
    return length < 0 ? NULL : name;
}

/* Parts are told apart by a byte that no path or name has in it. */
static char *frame_key(const struct functions *functions, const char *module, const char *name,
                       const struct symbol_frame *symbol)
{
    char *key = NULL;
    int length = functions->lines ? asprintf(&key, "%s\n%s\n%s\n%u", module, name,
                                             symbol->file != NULL ? symbol->file : "", symbol->line)
                                  : asprintf(&key, "%s\n%s", module, name);
    return length < 0 ? NULL : key;
}

static int entries_reserve(struct functions *functions)
{
    if (functions->count < functions->room)
        return 0;
    uint32_t room = 2 * functions->room + 256;
    struct function_entry **entries =
        realloc(functions->entries, room * sizeof(struct function_entry *));
    if (entries == NULL)
        return -ENOMEM;
    functions->entries = entries;
    functions->room = room;
    return 0;
}

static bool copy_string(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

static bool entry_fill(struct function_entry *entry, const char *module, const struct frame *frame)
{
    const struct symbol_frame *symbol = frame->name;
    struct function *function = &entry->function;
    function->line = symbol->line;
    function->column = symbol->column;
    function->inlined = symbol->inlined;
    function->folded = frame->folded;
    return copy_string(&function->module, module) &&
           copy_string(&function->linkage, symbol->linkage) &&
           copy_string(&function->file, symbol->file);
}

/* Takes over `key` and `name`, also when it fails. */
static int entry_add(struct functions *functions, char *key, char *name, const char *module,
                     const struct frame *frame, uint32_t *id)
{
    struct function_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        free(key);
        free(name);
        return -ENOMEM;
    }
    entry->key = key;
    entry->function.name = name;
    entry->id = functions->count;
    if (entry_fill(entry, module, frame) && entries_reserve(functions) == 0) {
        HASH_ADD_KEYPTR(hh, functions->index, entry->key, strlen(entry->key), entry);
        if (entry->hh.tbl != NULL) {
            functions->entries[functions->count++] = entry;
            *id = entry->id;
            return 0;
        }
    }
    entry_free(entry);
    return -ENOMEM;
}

/* Takes over `name`. */
static int entry_find_or_add(struct functions *functions, char *name, const char *module,
                             const struct frame *frame, uint32_t *id)
{
    struct function_entry *entry;
    char *key = name != NULL ? frame_key(functions, module, name, frame->name) : NULL;
    if (key == NULL) {
        free(name);
        return -ENOMEM;
    }
    HASH_FIND_STR(functions->index, key, entry);
    if (entry == NULL)
        return entry_add(functions, key, name, module, frame, id);
    *id = entry->id;
    free(key);
    free(name);
    return 0;
}

int functions_id(struct functions *functions, const struct snapshot *snapshot,
                 const struct frame *frame, uint32_t *id)
{
    if (*frame->number != 0) {
        *id = *frame->number - 1;
        return 0;
    }
    int error = entry_find_or_add(functions, frame_name(snapshot, frame),
                                  snapshot->modules[frame->module].path, frame, id);
    if (error == 0)
        *frame->number = *id + 1;
    return error;
}

int functions_word(struct functions *functions, const char *name, uint32_t *id)
{
    static const struct symbol_frame nothing;
    const struct frame frame = {.name = &nothing};
    return entry_find_or_add(functions, strdup(name), "", &frame, id);
}

uint32_t functions_count(const struct functions *functions)
{
    return functions->count;
}

const struct function *functions_get(const struct functions *functions, uint32_t id)
{
    return &functions->entries[id]->function;
}
