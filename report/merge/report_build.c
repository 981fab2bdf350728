/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "report_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define BUILD_PAGE 4096u

/* A record's key: its table, then what the caller finds it by. */
struct build_known {
    UT_hash_handle hh;
    uint32_t id;
    size_t size;
    char key[];
};

static const size_t record_sizes[MTF_KIND_LIMIT] = {
    [MTF_KIND_NAMES] = 1,
    [MTF_KIND_MODULES] = sizeof(struct mtf_module),
    [MTF_KIND_FRAMES] = sizeof(struct mtf_frame),
    [MTF_KIND_NODES] = sizeof(struct mtf_node),
    [MTF_KIND_SITES] = sizeof(struct mtf_site),
    [MTF_KIND_THREADS] = sizeof(struct mtf_thread),
    [MTF_KIND_BLOCKS] = sizeof(struct mtf_block),
    [MTF_KIND_CHECKS] = sizeof(struct mtf_check),
    [MTF_KIND_LOSSES] = sizeof(struct mtf_loss),
    [MTF_KIND_SIZES] = sizeof(struct mtf_size),
    [MTF_KIND_USAGE] = sizeof(struct mtf_usage),
    [MTF_KIND_LIFETIMES] = sizeof(struct mtf_lifetime),
};

/* For writes without memory: the largest record fits. */
static union {
    struct mtf_lifetime lifetime;
    struct mtf_check check;
    char bytes[512];
} build_nowhere;

static int table_reserve(struct build_table *table, size_t more)
{
    if (table->count + more <= table->room)
        return 0;
    size_t room = 2 * (table->count + more) + 64;
    char *bytes = reallocarray(table->bytes, room, table->record_size);
    if (bytes == NULL)
        return -ENOMEM;
    table->bytes = bytes;
    table->room = room;
    return 0;
}

/* The first of `more` new records. */
static uint32_t table_add(struct report_build *build, enum mtf_kind kind, size_t more)
{
    struct build_table *table = &build->tables[kind];
    if (build->error == 0 && table->count + more > UINT32_MAX / 2)
        build->error = -EOVERFLOW;
    if (build->error == 0)
        build->error = table_reserve(table, more);
    if (build->error != 0)
        return 0;
    memset(table->bytes + table->count * table->record_size, 0, more * table->record_size);
    table->count += more;
    return (uint32_t)(table->count - more);
}

uint32_t report_build_add(struct report_build *build, enum mtf_kind kind)
{
    return table_add(build, kind, 1);
}

void *report_build_at(struct report_build *build, enum mtf_kind kind, uint32_t id)
{
    struct build_table *table = &build->tables[kind];
    return id < table->count ? table->bytes + id * table->record_size : build_nowhere.bytes;
}

void report_build_begin(struct report_build *build)
{
    static const enum mtf_kind with_unknown[] = {MTF_KIND_MODULES, MTF_KIND_FRAMES, MTF_KIND_NODES,
                                                 MTF_KIND_SITES, MTF_KIND_THREADS};
    *build = (struct report_build){0};
    for (int kind = 0; kind < MTF_KIND_LIMIT; kind++)
        build->tables[kind].record_size = record_sizes[kind];
    table_add(build, MTF_KIND_NAMES, 2 * sizeof(struct mtf_name));
    for (size_t i = 0; i < sizeof with_unknown / sizeof with_unknown[0]; i++)
        report_build_add(build, with_unknown[i]);
}

void report_build_free(struct report_build *build)
{
    struct build_known *known, *next;
    HASH_ITER(hh, build->known, known, next)
    {
        HASH_DEL(build->known, known);
        free(known);
    }
    for (int kind = 0; kind < MTF_KIND_LIMIT; kind++)
        free(build->tables[kind].bytes);
    *build = (struct report_build){0};
}

static struct build_known *known_make(enum mtf_kind kind, const void *key, size_t key_size)
{
    struct build_known *known = calloc(1, sizeof *known + 1 + key_size);
    if (known == NULL)
        return NULL;
    known->size = 1 + key_size;
    known->key[0] = (char)kind;
    memcpy(known->key + 1, key, key_size);
    return known;
}

/* The entry with this key; NULL, and the error, without memory. A new one has id UINT32_MAX. */
static struct build_known *known_get(struct report_build *build, enum mtf_kind kind,
                                     const void *key, size_t key_size)
{
    struct build_known *found = NULL, *made = known_make(kind, key, key_size);
    if (made != NULL)
        HASH_FIND(hh, build->known, made->key, made->size, found);
    if (found != NULL) {
        free(made);
        return found;
    }
    if (made != NULL) {
        made->id = UINT32_MAX;
        HASH_ADD_KEYPTR(hh, build->known, made->key, made->size, made);
    }
    if (made != NULL && made->hh.tbl != NULL)
        return made;
    free(made);
    build->error = -ENOMEM;
    return NULL;
}

uint32_t report_build_intern(struct report_build *build, enum mtf_kind kind, const void *key,
                             size_t key_size, bool *is_new)
{
    *is_new = false;
    struct build_known *known = build->error == 0 ? known_get(build, kind, key, key_size) : NULL;
    if (known == NULL)
        return 0;
    if (known->id == UINT32_MAX) {
        known->id = report_build_add(build, kind);
        *is_new = true;
    }
    return known->id;
}

mtf_name_ref report_build_name(struct report_build *build, const char *bytes, size_t length)
{
    const struct mtf_name head = {(uint32_t)length};
    if (length == 0 || build->error != 0)
        return 0;
    struct build_known *known = known_get(build, MTF_KIND_NAMES, bytes, length);
    if (known == NULL)
        return 0;
    if (known->id != UINT32_MAX)
        return known->id;
    known->id = table_add(build, MTF_KIND_NAMES, sizeof head + ((length + 4) & ~(size_t)3));
    if (build->error != 0)
        return 0;
    char *to = build->tables[MTF_KIND_NAMES].bytes + known->id;
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, bytes, length);
    return known->id;
}

static size_t round_to_page(size_t size)
{
    return (size + BUILD_PAGE - 1) / BUILD_PAGE * BUILD_PAGE;
}

static void header_lay_out(struct report_build *build)
{
    struct mtf_header *header = &build->header;
    uint64_t end = MTF_HEADER_SIZE;
    memcpy(header->magic, MTF_MAGIC, sizeof header->magic);
    header->version = MTF_VERSION;
    header->header_size = MTF_HEADER_SIZE;
    header->byte_order = MTF_BYTE_ORDER;
    header->extent_count = 0;
    for (uint32_t kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        const struct build_table *table = &build->tables[kind];
        size_t size = table->count * table->record_size;
        header->tables[kind] = (struct mtf_table){(uint32_t)table->record_size, 0, table->count};
        if (size == 0)
            continue;
        header->extents[header->extent_count++] =
            (struct mtf_extent){.kind = kind, .offset = end, .length = round_to_page(size)};
        end += round_to_page(size);
    }
    header->file_size = end;
}

int report_build_write(struct report_build *build, FILE *out)
{
    static const char zeros[BUILD_PAGE];
    if (build->error != 0)
        return build->error;
    header_lay_out(build);
    fwrite(&build->header, sizeof build->header, 1, out);
    for (int kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        const struct build_table *table = &build->tables[kind];
        size_t size = table->count * table->record_size;
        if (size == 0)
            continue;
        fwrite(table->bytes, 1, size, out);
        fwrite(zeros, 1, round_to_page(size) - size, out);
    }
    return ferror(out) ? -EIO : 0;
}
