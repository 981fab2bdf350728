/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "symbol_cache_file.h"
#include "command.h"
#include "symbol_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>
#include <zlib.h>

/* More files than this in the folder, and the oldest half of them goes. */
#define CACHE_FILES_MAX ((size_t)2000)

/* Strings by what they say, each once. */
struct cache_string {
    UT_hash_handle hh;
    uint32_t offset;
    char text[];
};

struct cache_writer {
    struct cache_string *known;
    FILE *strings;
    size_t size; /* of the strings */
    bool failed;
};

uint32_t cache_sum(const char *bytes, size_t size)
{
    size_t from = offsetof(struct cache_header, sum) + sizeof(uint32_t);
    return (uint32_t)crc32_z(0, (const unsigned char *)bytes + from, size - from);
}

static uint32_t writer_add_string(struct cache_writer *writer, const char *text, size_t length)
{
    struct cache_string *string = calloc(1, sizeof *string + length + 1);
    if (string == NULL)
        return 0;
    memcpy(string->text, text, length);
    string->offset = (uint32_t)writer->size;
    HASH_ADD_KEYPTR(hh, writer->known, string->text, length, string);
    if (string->hh.tbl == NULL) {
        free(string);
        return 0;
    }
    fwrite(text, 1, length + 1, writer->strings);
    writer->size += length + 1;
    return string->offset;
}

static uint32_t writer_string(struct cache_writer *writer, const char *text)
{
    struct cache_string *string;
    if (text == NULL || *text == '\0' || writer->failed)
        return 0;
    size_t length = strlen(text);
    HASH_FIND(hh, writer->known, text, length, string);
    if (string != NULL)
        return string->offset;
    uint32_t offset = writer->size < CACHE_FILE_MAX ? writer_add_string(writer, text, length) : 0;
    writer->failed |= offset == 0;
    return offset;
}

static void writer_put_frames(struct cache_writer *writer, FILE *out,
                              const struct cache_answer *answer)
{
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct symbol_frame *from = &answer->frames[i];
        const struct cache_frame frame = {
            .function = writer_string(writer, from->function),
            .linkage = writer_string(writer, from->linkage),
            .aliases = writer_string(writer, from->aliases),
            .callee = writer_string(writer, from->callee),
            .name = writer_string(writer, from->name),
            .file = writer_string(writer, from->file),
            .line = from->line,
            .column = from->column,
            .inlined = from->inlined,
        };
        fwrite(&frame, sizeof frame, 1, out);
    }
}

static void writer_end(struct cache_writer *writer)
{
    struct cache_string *string, *next;
    HASH_ITER(hh, writer->known, string, next)
    {
        HASH_DEL(writer->known, string);
        free(string);
    }
}

/* Everything but the strings, which follow. */
static void put_head(FILE *out, const char *stamp, const struct cache_answer *answers, size_t count)
{
    struct cache_header header = {
        .magic = CACHE_MAGIC, .stamp_length = (uint32_t)strlen(stamp), .records = count};
    for (size_t i = 0; i < count; i++)
        header.frames += answers[i].count;
    fwrite(&header, sizeof header, 1, out);
    fwrite(stamp, 1, header.stamp_length, out);
    uint32_t first = 0;
    for (size_t i = 0; i < count; i++) {
        const struct cache_record record = {answers[i].address, first, answers[i].count};
        fwrite(&record, sizeof record, 1, out);
        first += answers[i].count;
    }
}

/* Joins head and strings, and sums them up. Takes over both. */
static char *file_join(char *head, size_t head_size, char *strings, size_t strings_size,
                       size_t *size)
{
    char *bytes = head != NULL && strings != NULL && head_size + strings_size <= CACHE_FILE_MAX
                      ? realloc(head, head_size + strings_size)
                      : NULL;
    if (bytes == NULL) {
        free(head);
    } else {
        struct cache_header *header = (struct cache_header *)(void *)bytes;
        memcpy(bytes + head_size, strings, strings_size);
        *size = head_size + strings_size;
        header->strings = strings_size;
        header->sum = cache_sum(bytes, *size);
    }
    free(strings);
    return bytes;
}

char *cache_file_make(const char *stamp, const struct cache_answer *answers, size_t count,
                      size_t *size)
{
    char *head = NULL, *strings = NULL;
    size_t head_size = 0, strings_size = 0;
    struct cache_writer writer = {.size = 1};
    FILE *out = open_memstream(&head, &head_size);
    writer.strings = open_memstream(&strings, &strings_size);
    bool failed = out == NULL || writer.strings == NULL;
    if (!failed) {
        fputc('\0', writer.strings);
        put_head(out, stamp, answers, count);
        for (size_t i = 0; i < count; i++)
            writer_put_frames(&writer, out, &answers[i]);
    }
    failed |= out != NULL && fclose(out) != 0;
    failed |= writer.strings != NULL && fclose(writer.strings) != 0;
    writer_end(&writer);
    if (!failed && !writer.failed)
        return file_join(head, head_size, strings, strings_size, size);
    free(head);
    free(strings);
    return NULL;
}

/* A file of the folder, by age. */
struct cache_age {
    int64_t modified_ns;
    char name[256];
};

static int age_compare(const void *left, const void *right)
{
    const struct cache_age *a = left, *b = right;
    return (a->modified_ns > b->modified_ns) - (a->modified_ns < b->modified_ns);
}

static size_t folder_ages(DIR *folder, struct cache_age *ages, size_t room)
{
    const struct dirent *entry;
    struct stat status;
    size_t count = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): own DIR */
    while (count < room && (entry = readdir(folder)) != NULL) {
        if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        ages[count].modified_ns =
            status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
        snprintf(ages[count].name, sizeof ages[count].name, "%s", entry->d_name);
        count++;
    }
    return count;
}

/* Builds come and go: what nobody has written for long is removed. */
static void folder_prune(const char *path)
{
    char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));
    DIR *folder = parent != NULL ? opendir(parent) : NULL;
    struct cache_age *ages = calloc(2 * CACHE_FILES_MAX, sizeof ages[0]);
    size_t count =
        folder != NULL && ages != NULL ? folder_ages(folder, ages, 2 * CACHE_FILES_MAX) : 0;
    if (count > CACHE_FILES_MAX) {
        qsort(ages, count, sizeof ages[0], age_compare);
        for (size_t i = 0; i < count / 2; i++)
            unlinkat(dirfd(folder), ages[i].name, 0);
    }
    if (folder != NULL)
        closedir(folder);
    free(ages);
    free(parent);
}

void cache_file_save(const char *path, const char *bytes, size_t size)
{
    char *beside;
    bool is_new = access(path, F_OK) != 0;
    if (asprintf(&beside, "%s.%d.new", path, (int)getpid()) < 0)
        return;
    int file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0) {
        bool whole = write(file, bytes, size) == (ssize_t)size;
        whole &= close(file) == 0;
        if (!whole || rename(beside, path) != 0)
            unlink(beside);
        else if (is_new)
            folder_prune(path);
    }
    free(beside);
}

/* All folders of the path, those that are missing for this user alone. */
static bool folders_make(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!there)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* As the XDG Base Directory Specification says: a relative path is to be ignored. */
char *symbol_cache_folder(void)
{
    const char *base = command_environment("XDG_CACHE_HOME"), *below = "";
    char *path;
    if (base == NULL || *base != '/') {
        base = command_environment("HOME");
        below = "/.cache";
    }
    if (base == NULL || *base != '/' || asprintf(&path, "%s%s/memtrack/symbols", base, below) < 0)
        return NULL;
    if (folders_make(path) && access(path, R_OK | W_OK | X_OK) == 0)
        return path;
    free(path);
    return NULL;
}
