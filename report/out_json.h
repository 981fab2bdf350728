/*
 * Keeps       a report for programs: schema/report-1.json describes it, schema/report-1.md
 * explains. Invariant   the output is one JSON text in UTF-8, whatever the file held; every number
 * is an integer of at most 63 bits. Nothing is folded away: folded frames carry a mark. Threads one
 * thread. Memory      one call site at a time, and the printed form of each address that was looked
 * up. On failure  -ENOMEM, or -EIO if the stream took an error; the output is then incomplete.
 *
 * Calls come in this order: begin, then report for every snapshot, then end.
 */
#ifndef MEMTRACK_REPORT_OUT_JSON_H
#define MEMTRACK_REPORT_OUT_JSON_H

#include "aggregate.h"
#include "frames.h"
#include "snapshot.h"
#include <stdbool.h>
#include <stdio.h>

struct out_json_options {
    enum aggregate_by by; /* adds summed-up rows, unless by site */
    enum figures_key sort;
    size_t top; /* call sites and rows; 0: all */
};

int out_json_begin(FILE *out);
int out_json_report(FILE *out, const struct snapshot *snapshot, struct frames *frames,
                    const struct out_json_options *options, bool first);
int out_json_end(FILE *out);

#endif
