#include "symbol_cache.h"
#include "symbol_cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct symbol_cache {
    char *path;
    char *stamp;
    char *strings;                /* of the answers that were loaded */
    struct symbol_frame *frames;  /* theirs */
    struct cache_answer *answers; /* loaded ones by address, then those that were added */
    size_t loaded;
    size_t count;
    size_t room;
};

/* Where the parts of a file lie. */
struct cache_view {
    struct cache_header header;
    const char *stamp;
    const char *records;
    const char *frames;
    const char *strings;
};

/* Takes `count` items of `size` from what is left; NULL: there are not as many. */
static const char *view_take(const char **at, size_t *left, uint64_t count, size_t size)
{
    const char *taken = *at;
    if (count > *left / size)
        return NULL;
    *at += count * size;
    *left -= count * size;
    return taken;
}

static bool view_open(struct cache_view *view, const char *bytes, size_t size)
{
    size_t left = size;
    if (size < sizeof view->header)
        return false;
    memcpy(&view->header, view_take(&bytes, &left, 1, sizeof view->header), sizeof view->header);
    const struct cache_header *header = &view->header;
    if (memcmp(header->magic, CACHE_MAGIC, sizeof header->magic) != 0 ||
        cache_sum(bytes - sizeof *header, size) != header->sum)
        return false;
    view->stamp = view_take(&bytes, &left, header->stamp_length, 1);
    view->records = view_take(&bytes, &left, header->records, sizeof(struct cache_record));
    view->frames = view_take(&bytes, &left, header->frames, sizeof(struct cache_frame));
    view->strings = view_take(&bytes, &left, header->strings, 1);
    return view->stamp != NULL && view->records != NULL && view->frames != NULL &&
           view->strings != NULL && left == 0 && header->strings > 0 &&
           view->strings[header->strings - 1] == '\0';
}

static const char *string_at(const struct symbol_cache *cache, uint32_t offset)
{
    return offset == 0 ? NULL : cache->strings + offset;
}

static bool frame_load(struct symbol_cache *cache, const struct cache_view *view, uint64_t index)
{
    struct cache_frame from;
    memcpy(&from, view->frames + index * sizeof from, sizeof from);
    uint64_t strings = view->header.strings;
    if (from.function >= strings || from.linkage >= strings || from.aliases >= strings ||
        from.callee >= strings || from.name >= strings || from.file >= strings)
        return false;
    cache->frames[index] = (struct symbol_frame){
        .function = string_at(cache, from.function),
        .linkage = string_at(cache, from.linkage),
        .aliases = string_at(cache, from.aliases),
        .callee = string_at(cache, from.callee),
        .name = string_at(cache, from.name),
        .file = string_at(cache, from.file),
        .line = from.line,
        .column = from.column,
        .inlined = from.inlined != 0,
    };
    return true;
}

static bool answer_load(struct symbol_cache *cache, const struct cache_view *view, uint64_t index)
{
    struct cache_record from;
    memcpy(&from, view->records + index * sizeof from, sizeof from);
    if (from.count == 0 || from.first > view->header.frames ||
        from.count > view->header.frames - from.first ||
        (index > 0 && cache->answers[index - 1].address >= from.address))
        return false;
    cache->answers[index] =
        (struct cache_answer){from.address, cache->frames + from.first, from.count};
    return true;
}

static bool cache_fill(struct symbol_cache *cache, const struct cache_view *view)
{
    bool whole = true;
    cache->strings = malloc(view->header.strings);
    cache->frames = calloc(view->header.frames + 1, sizeof cache->frames[0]);
    cache->answers = calloc(view->header.records + 1, sizeof cache->answers[0]);
    if (cache->strings == NULL || cache->frames == NULL || cache->answers == NULL)
        return false;
    cache->room = view->header.records + 1;
    memcpy(cache->strings, view->strings, view->header.strings);
    for (uint64_t i = 0; i < view->header.frames && whole; i++)
        whole = frame_load(cache, view, i);
    for (uint64_t i = 0; i < view->header.records && whole; i++)
        whole = answer_load(cache, view, i);
    cache->loaded = cache->count = whole ? view->header.records : 0;
    return whole;
}

/* The file's bytes, if it is one of ours; NULL otherwise. */
static char *file_read(const char *path, size_t *size)
{
    struct stat status;
    char *bytes = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return NULL;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
        (uint64_t)status.st_size <= CACHE_FILE_MAX)
        bytes = malloc((size_t)status.st_size + 1);
    if (bytes != NULL) {
        ssize_t got = read(file, bytes, (size_t)status.st_size);
        *size = got > 0 ? (size_t)got : 0;
    }
    close(file);
    return bytes;
}

static void cache_load(struct symbol_cache *cache)
{
    struct cache_view view;
    size_t size = 0;
    char *bytes = file_read(cache->path, &size);
    if (bytes != NULL && view_open(&view, bytes, size) &&
        view.header.stamp_length == strlen(cache->stamp) &&
        memcmp(view.stamp, cache->stamp, view.header.stamp_length) == 0)
        cache_fill(cache, &view);
    free(bytes);
}

static char *path_of(const char *folder, const uint8_t *build_id, size_t length)
{
    char *path = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&path, &size);
    if (out == NULL)
        return NULL;
    fprintf(out, "%s/", folder);
    for (size_t i = 0; i < length; i++)
        fprintf(out, "%02x", build_id[i]);
    if (fclose(out) == 0)
        return path;
    free(path);
    return NULL;
}

struct symbol_cache *symbol_cache_open(const char *folder, const uint8_t *build_id, size_t length,
                                       const char *stamp)
{
    struct symbol_cache *cache = length > 0 ? calloc(1, sizeof *cache) : NULL;
    if (cache == NULL)
        return NULL;
    cache->path = path_of(folder, build_id, length);
    cache->stamp = strdup(stamp);
    if (cache->path == NULL || cache->stamp == NULL) {
        symbol_cache_close(cache);
        return NULL;
    }
    cache_load(cache);
    return cache;
}

static int answer_compare(const void *left, const void *right)
{
    const struct cache_answer *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

int symbol_cache_find(const struct symbol_cache *cache, uint64_t address,
                      const struct symbol_frame **frames)
{
    const struct cache_answer wanted = {.address = address};
    const struct cache_answer *found = NULL;
    if (cache->loaded > 0)
        found = bsearch(&wanted, cache->answers, cache->loaded, sizeof wanted, answer_compare);
    if (found == NULL)
        return 0;
    *frames = found->frames;
    return (int)found->count;
}

void symbol_cache_add(struct symbol_cache *cache, uint64_t address,
                      const struct symbol_frame *frames, int count)
{
    if (cache->count == cache->room) {
        size_t room = 2 * cache->room + 64;
        struct cache_answer *answers = reallocarray(cache->answers, room, sizeof answers[0]);
        if (answers == NULL)
            return;
        cache->answers = answers;
        cache->room = room;
    }
    cache->answers[cache->count++] = (struct cache_answer){address, frames, (uint32_t)count};
}

/* In order of address, each once. */
static void cache_order(struct symbol_cache *cache)
{
    size_t kept = 0;
    qsort(cache->answers, cache->count, sizeof cache->answers[0], answer_compare);
    for (size_t i = 0; i < cache->count; i++) {
        if (kept == 0 || cache->answers[kept - 1].address != cache->answers[i].address)
            cache->answers[kept++] = cache->answers[i];
    }
    cache->count = kept;
}

static void cache_save(struct symbol_cache *cache)
{
    size_t size = 0;
    cache_order(cache);
    char *bytes = cache_file_make(cache->stamp, cache->answers, cache->count, &size);
    if (bytes != NULL)
        cache_file_save(cache->path, bytes, size);
    free(bytes);
}

void symbol_cache_close(struct symbol_cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->count > cache->loaded)
        cache_save(cache);
    free(cache->path);
    free(cache->stamp);
    free(cache->strings);
    free(cache->frames);
    free(cache->answers);
    free(cache);
}
