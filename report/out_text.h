/*
 * Keeps       a report for people: the verdict, then sections of rows with their stacks.
 * Invariant   the same snapshot and names give the same bytes; each stack is printed in full once
 *             and referred to by its number after that.
 * Threads     one thread.
 * Memory      none that outlives the call, but what `frames` remembers.
 * On failure  -ENOMEM, or -EIO if the stream took an error.
 */
#ifndef MEMTRACK_REPORT_OUT_TEXT_H
#define MEMTRACK_REPORT_OUT_TEXT_H

#include "aggregate.h"
#include "frames.h"
#include "section.h"
#include "snapshot.h"
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

/* Those that the process was told to show (show_kinds=). */
#define OUT_TEXT_KINDS_ASKED UINT_MAX

struct out_text_options {
    enum aggregate_by by;
    enum figures_key sort; /* FIGURES_KEY_LIMIT: a section for every key */
    size_t top;            /* rows of a section; 0: all */
    bool full;             /* nothing folded, nothing left out of stacks */
    bool color;
    bool leaks;        /* the leaks section alone */
    unsigned sections; /* SECTION_BITs, to be asked for by name; 0: as `sort` and `leaks` say */
    unsigned trees;    /* call trees instead of sections: TREE_TEXT_* */
    bool brief;        /* `top` was not asked for: rows of minor sections are fewer */
    unsigned kinds;    /* of the loss records to list: leak_kind_bit, or OUT_TEXT_KINDS_ASKED */
    const struct snapshot_check *check; /* of the leak checks, this one alone; NULL: all */
};

int out_text(FILE *out, const struct snapshot *snapshot, struct frames *frames,
             const struct out_text_options *options);

#endif
