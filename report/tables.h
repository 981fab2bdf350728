/*
 * Keeps       the outer layer of a report file: its header and its tables as plain arrays of bytes.
 * Invariant   a table that was read holds exactly `count` records, all of them inside of the file;
 *             extents lie behind the header, inside of the file, and do not overlap.
 * Threads     one reader per source; the file's writer may go on writing.
 * Memory      one copy of each table that is read, never more than the file has bytes.
 * On failure  -errno; `message` says what is wrong and what to do, without the file's name.
 *
 * Counts are taken in the order in which records refer to each other (losses, blocks and
 * checks, sites, nodes and threads, frames, modules, names), each from a fresh read of the header: what a record refers to was
 * published before it, so it lies below the count that is taken later. See publish.h.
 */
#ifndef MEMTRACK_REPORT_TABLES_H
#define MEMTRACK_REPORT_TABLES_H

#include "memtrack/format.h"
#include <stddef.h>
#include <stdint.h>

/* Where the bytes come from: memory, or a regular file. */
struct tables_source {
    const uint8_t *bytes; /* NULL: read from `descriptor` */
    int descriptor;
    uint64_t size; /* of `bytes`; a file is asked */
};

struct tables {
    struct tables_source source;
    struct mtf_header header;
    char *message;
    size_t message_size;
};

/* Reads and checks the header and the extents. */
int tables_open(struct tables *tables, const struct tables_source *source, char *message,
                size_t message_size);
/* All records of a table, one after the other; the caller frees them. One byte more than they have
   is allocated, so that an empty table is no special case. */
int tables_read(struct tables *tables, enum mtf_kind kind, size_t record_size, void **records,
                uint64_t *count);
/* Writes the message and returns `error` (-errno). */
int tables_fail(struct tables *tables, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
