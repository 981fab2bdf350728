#include "tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLES_PAGE 4096u /* the smallest page size; larger ones are multiples of it */

static const char *const tables_kind_names[MTF_KIND_LIMIT] = {
    "nothing", "names",    "modules", "nodes",       "sites",     "threads",  "blocks",
    "shares",  "mappings", "regions", "checks",      "losses",    "timeline", "phases",
    "sizes",   "usage",    "frames",  "phase sites", "lifetimes",
};

int tables_fail(struct tables *tables, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tables->message, tables->message_size, format, arguments);
    va_end(arguments);
    return error;
}

static int tables_damaged(struct tables *tables, const char *what)
{
    return tables_fail(tables, -EBADMSG, "is damaged (%s); record the program again", what);
}

/* How many bytes there are now: a live report grows. */
static uint64_t source_size(const struct tables_source *source)
{
    struct stat status;
    if (source->bytes != NULL)
        return source->size;
    if (fstat(source->descriptor, &status) != 0 || status.st_size < 0)
        return 0;
    return (uint64_t)status.st_size;
}

static int source_read_file(int descriptor, uint64_t offset, uint8_t *to, size_t length)
{
    while (length > 0) {
        ssize_t got = pread(descriptor, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

static int source_read(const struct tables_source *source, uint64_t offset, void *to, size_t length)
{
    if (source->bytes == NULL)
        return source_read_file(source->descriptor, offset, to, length);
    if (offset > source->size || length > source->size - offset)
        return -ENODATA;
    memcpy(to, source->bytes + offset, length);
    return 0;
}

static int tables_read_failed(struct tables *tables, int error)
{
    if (error == -ENODATA)
        return tables_fail(tables, error,
                           "is cut short; copy it again in full, or record the program again");
    errno = -error;
    return tables_fail(tables, error, "cannot be read: %m");
}

static int tables_check_start(struct tables *tables)
{
    const struct mtf_header *header = &tables->header;
    if (memcmp(header->magic, MTF_MAGIC, sizeof header->magic) != 0)
        return tables_fail(tables, -EINVAL,
                           "is not a memtrack report; give a file that ends in " MTF_SUFFIX);
    if (header->byte_order != MTF_BYTE_ORDER)
        return tables_fail(tables, -ENOTSUP,
                           "was written on a machine with another byte order; read it there");
    if (header->version != MTF_VERSION)
        return tables_fail(tables, -ENOTSUP,
                           "has format %" PRIu32 ", this program reads %u; use the memtrack whose "
                           "libmemtrack.so wrote it",
                           header->version, MTF_VERSION);
    if (header->pointer_bits != 64)
        return tables_fail(tables, -ENOTSUP,
                           "is of a %u-bit program; this program reads those of 64 bits",
                           (unsigned)header->pointer_bits);
    if (header->header_size != MTF_HEADER_SIZE)
        return tables_damaged(tables, "header size");
    return 0;
}

static int tables_read_start(struct tables *tables)
{
    uint64_t size = source_size(&tables->source);
    memset(&tables->header, 0, sizeof tables->header);
    if (size == 0)
        return tables_fail(tables, -ENODATA, "is empty; record the program again");
    size_t length = size < MTF_HEADER_SIZE ? (size_t)size : MTF_HEADER_SIZE;
    int error = source_read(&tables->source, 0, &tables->header, length);
    if (error != 0)
        return tables_read_failed(tables, error);
    error = tables_check_start(tables);
    if (error == 0 && length < MTF_HEADER_SIZE)
        return tables_read_failed(tables, -ENODATA);
    return error;
}

/* Takes the rest of the counts from later reads, those of what is referred to last. Losses, mappings
   and what else nothing refers to keep the count of the first read. */
static int tables_read_counts(struct tables *tables)
{
    static const uint8_t rounds[][2] = {
        {MTF_KIND_BLOCKS, MTF_KIND_CHECKS}, {MTF_KIND_SHARES, MTF_KIND_PHASES},
        {MTF_KIND_SITES, MTF_KIND_SITES},   {MTF_KIND_NODES, MTF_KIND_THREADS},
        {MTF_KIND_FRAMES, MTF_KIND_FRAMES}, {MTF_KIND_MODULES, MTF_KIND_MODULES},
        {MTF_KIND_NAMES, MTF_KIND_NAMES},
    };
    struct mtf_header later;
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
        int error = source_read(&tables->source, 0, &later, sizeof later);
        if (error != 0)
            return tables_read_failed(tables, error);
        for (size_t j = 0; j < 2; j++)
            tables->header.tables[rounds[i][j]] = later.tables[rounds[i][j]];
    }
    tables->header.extent_count = later.extent_count;
    tables->header.file_size = later.file_size;
    memcpy(tables->header.extents, later.extents, sizeof later.extents);
    return 0;
}

static int extent_compare(const void *left, const void *right)
{
    const struct mtf_extent *a = left, *b = right;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static int tables_check_extent(struct tables *tables, const struct mtf_extent *extent)
{
    uint64_t size = tables->header.file_size;
    if (extent->kind <= MTF_KIND_NONE || extent->kind >= MTF_KIND_LIMIT)
        return tables_damaged(tables, "extent of an unknown table");
    if (extent->offset < MTF_HEADER_SIZE || extent->offset % TABLES_PAGE != 0 ||
        extent->length == 0 || extent->offset > size || extent->length > size - extent->offset)
        return tables_damaged(tables, "extent outside of the file");
    return 0;
}

static int tables_check_extents(struct tables *tables)
{
    struct mtf_extent sorted[MTF_EXTENT_MAX];
    uint32_t count = tables->header.extent_count;
    if (count > MTF_EXTENT_MAX)
        return tables_damaged(tables, "too many extents");
    for (uint32_t i = 0; i < count; i++) {
        int error = tables_check_extent(tables, &tables->header.extents[i]);
        if (error != 0)
            return error;
    }
    memcpy(sorted, tables->header.extents, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], extent_compare);
    for (uint32_t i = 1; i < count; i++) {
        if (sorted[i].offset - sorted[i - 1].offset < sorted[i - 1].length)
            return tables_damaged(tables, "extents overlap");
    }
    return 0;
}

int tables_open(struct tables *tables, const struct tables_source *source, char *message,
                size_t message_size)
{
    tables->source = *source;
    tables->message = message;
    tables->message_size = message_size;
    int error = tables_read_start(tables);
    if (error == 0)
        error = tables_read_counts(tables);
    if (error != 0)
        return error;
    uint64_t size = source_size(&tables->source);
    if (tables->header.file_size > size)
        return tables_fail(tables, -ENODATA,
                           "is cut short (%" PRIu64 " of %" PRIu64
                           " bytes); copy it again in full, or record the program again",
                           size, tables->header.file_size);
    return tables_check_extents(tables);
}

/* Bytes that the extents of a table have together; they do not overlap, so this cannot overflow. */
static uint64_t tables_room(const struct tables *tables, enum mtf_kind kind)
{
    uint64_t room = 0;
    for (uint32_t i = 0; i < tables->header.extent_count; i++) {
        if (tables->header.extents[i].kind == (uint32_t)kind)
            room += tables->header.extents[i].length;
    }
    return room;
}

static int tables_join(struct tables *tables, enum mtf_kind kind, uint8_t *to, uint64_t left)
{
    for (uint32_t i = 0; i < tables->header.extent_count && left > 0; i++) {
        const struct mtf_extent *extent = &tables->header.extents[i];
        if (extent->kind != (uint32_t)kind)
            continue;
        uint64_t length = extent->length < left ? extent->length : left;
        int error = source_read(&tables->source, extent->offset, to, (size_t)length);
        if (error != 0)
            return tables_read_failed(tables, error);
        to += length;
        left -= length;
    }
    return 0;
}

int tables_read(struct tables *tables, enum mtf_kind kind, size_t record_size, void **records,
                uint64_t *count)
{
    const struct mtf_table *table = &tables->header.tables[kind];
    *records = NULL;
    *count = table->count;
    if (table->count > 0 && table->record_size != record_size)
        return tables_fail(tables, -EBADMSG,
                           "is damaged (record size of %s); record the program again",
                           tables_kind_names[kind]);
    if (table->count > tables_room(tables, kind) / record_size)
        return tables_fail(tables, -EBADMSG,
                           "is damaged (more %s than it has room for); record the program again",
                           tables_kind_names[kind]);
    uint8_t *bytes = malloc((size_t)table->count * record_size + 1);
    if (bytes == NULL)
        return tables_fail(tables, -ENOMEM,
                           "does not fit into memory; read it on a larger machine");
    bytes[(size_t)table->count * record_size] = 0;
    int error = tables_join(tables, kind, bytes, table->count * record_size);
    if (error != 0) {
        free(bytes);
        return error;
    }
    *records = bytes;
    return 0;
}
