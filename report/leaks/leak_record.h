/*
 * Keeps       the loss records of one leak check as people count them: one for each kind and each
 *             distinct symbolised stack, however many addresses it was met at.
 * Invariant   the blocks and bytes of all records of a kind are those of the check; records are
 *             ordered by falling size, what they hold included, so that record 1 is the largest.
 * Threads     one thread.
 * Memory      one record per distinct stack; leak_records_free.
 * On failure  -ENOMEM, and there are no records.
 */
#ifndef MEMTRACK_REPORT_LEAK_RECORD_H
#define MEMTRACK_REPORT_LEAK_RECORD_H

#include "frames.h"
#include "snapshot.h"
#include <stdbool.h>

struct leak_record {
    enum mtf_leak_kind kind;
    uint32_t site;    /* the first of them */
    uint32_t example; /* 1 + index of a block of it; 0: none is listed */
    uint64_t blocks;
    uint64_t bytes;
    uint64_t indirect_blocks;
    uint64_t indirect_bytes;
};

struct leak_records {
    struct leak_record *items;
    size_t count;
};

int leak_records_build(struct leak_records *records, const struct snapshot *snapshot,
                       struct frames *frames, const struct snapshot_check *check);
void leak_records_free(struct leak_records *records);

/* "definite", "indirect", "possible", "reachable", "ignored", "inherited", "unknown" */
const char *leak_kind_name(enum mtf_leak_kind kind);
/* The set bit of a kind, for sets of kinds. */
static inline unsigned leak_kind_bit(enum mtf_leak_kind kind)
{
    return 1u << kind;
}
/* Kinds separated by commas, or "all" or "none", in Valgrind's words. False if one is neither. */
bool leak_kinds_parse(const char *words, unsigned *kinds);

/* Why nothing is classified, as half a sentence to follow "not classified: "; NULL if the check
   (which may be NULL) is complete. */
const char *leak_check_complaint(const struct snapshot *snapshot,
                                 const struct snapshot_check *check);

#endif
