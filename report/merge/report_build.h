/*
 * Keeps       a report file while it is put together from records: tables that grow, and equal records
 *             found again.
 * Invariant   record 0 of MODULES, FRAMES, NODES, SITES and THREADS is the unknown one, name 0 the empty
 *             one; the file is laid out as memtrack/format.h says, one extent for each table.
 * Threads     one thread.
 * Memory      every record once, and what finds it again; report_build_free.
 * On failure  `error` is -ENOMEM, or -EOVERFLOW where a table is full, and stays; ids are 0 then, and
 *             records go nowhere.
 */
#ifndef MEMTRACK_REPORT_BUILD_H
#define MEMTRACK_REPORT_BUILD_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct build_table {
    char *bytes;
    size_t record_size;
    size_t count; /* records; of names bytes */
    size_t room;
};

struct build_known;

struct report_build {
    struct mtf_header header; /* the caller's, but for tables, extents and sizes */
    struct build_table tables[MTF_KIND_LIMIT];
    struct build_known *known;
    int error;
};

void report_build_begin(struct report_build *build);
void report_build_free(struct report_build *build);

/* A new record, all zero; its id. */
uint32_t report_build_add(struct report_build *build, enum mtf_kind kind);
/* Until the next one is added to the table. Never NULL: without memory, a record that nobody reads. */
void *report_build_at(struct report_build *build, enum mtf_kind kind, uint32_t id);
/* The record that was asked for with the same key, or a new one. */
uint32_t report_build_intern(struct report_build *build, enum mtf_kind kind, const void *key,
                             size_t key_size, bool *is_new);
mtf_name_ref report_build_name(struct report_build *build, const char *bytes, size_t length);
/* 0 or -errno. */
int report_build_write(struct report_build *build, FILE *out);

#endif
