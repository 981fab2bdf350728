/*
 * Keeps       reports of many processes and runs as one: equal call sites as one, with the sums of what
 *             they have.
 * Invariant   every count of the result is the sum over the reports that were added. What one moment of
 *             one process says alone is left out: timeline, phases, mappings and regions by address. The
 *             peak is the sum of peaks; peak_error says how far that may be from the true one.
 *             A result is judged as the worst of its parts: killed if one was, unclassified if one was.
 * Threads     one thread.
 * Memory      the result's; merge_free.
 * On failure  -errno and one line that names the report and the remedy; the result must not be written.
 */
#ifndef MEMTRACK_REPORT_MERGE_H
#define MEMTRACK_REPORT_MERGE_H

#include "merge/report_build.h"
#include "snapshot.h"
#include <stdbool.h>

struct merge {
    struct report_build build;
    uint32_t reports;
    uint64_t least_peak;  /* the largest peak that one of them certainly had */
    bool executed_all;    /* all went on as another program */
    bool program_differs; /* names that are not the same in all of them are left out */
    bool executable_differs;
    bool host_differs;
    bool run_differs;
    bool statuses_differ;
};

void merge_begin(struct merge *merge);
int merge_add(struct merge *merge, const struct snapshot *snapshot, char *message,
              size_t message_size);
/* After the last one: what stands for how it was started, NUL-separated. 0 or -errno. */
int merge_end(struct merge *merge, const char *arguments, size_t length, const char *folder);
void merge_free(struct merge *merge);

/* Its parts. */
void merge_facts(struct merge *merge, const struct snapshot *snapshot);
void merge_totals(struct merge *merge, const struct snapshot *snapshot);

#endif
