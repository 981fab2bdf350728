/*
 * Keeps       what the files that read a report share: how one table becomes an array of the model.
 * Invariant   a converter checks every reference of its record; what it refers to was read before.
 * Threads     as reader.h.
 * Memory      arrays belong to the snapshot, also when an error came half-way.
 * On failure  -errno, and the message of the reader is set.
 */
#ifndef MEMTRACK_REPORT_READER_PART_H
#define MEMTRACK_REPORT_READER_PART_H

#include "snapshot.h"
#include "tables.h"

struct reader {
    struct tables tables;
    struct snapshot *snapshot;
    struct mtf_frame *frames; /* until the nodes are read */
    uint32_t frame_count;
    uint64_t names_size;
};

/* Converts record `index` of a table into `target`, which is zeroed. */
typedef int reader_convert(struct reader *reader, const void *record, void *target, uint32_t index);

/* One table: its records in the file, and what they become. */
struct reader_plan {
    enum mtf_kind kind;
    size_t record_size;
    size_t target_size;
    bool unknown; /* record 0 stands for what is unknown, and is made up where it is missing */
    reader_convert *convert;
};

/* The whole table as a new array. */
int reader_table(struct reader *reader, const struct reader_plan *plan, void **array,
                 uint32_t *array_count);
/* The bytes of a name; they live as long as the snapshot. */
int reader_name(struct reader *reader, mtf_name_ref ref, struct snapshot_name *name);
int reader_damaged(struct reader *reader, const char *what, uint64_t index);
int reader_out_of_memory(struct reader *reader);

/* Blocks, leak checks and what they found; sites and threads come before. */
int reader_leaks(struct reader *reader);
/* Mappings and regions; sites and threads come before. */
int reader_maps(struct reader *reader);
/* Timeline, phases, sizes and usage; sites come before. */
int reader_usages(struct reader *reader);
/* The last step of reader_usages: what each call site did in each phase. */
int reader_phases(struct reader *reader);

#endif
