/*
 * Keeps       the report files that one `memtrack run` left in its folder.
 * Invariant   only files whose header carries the run's id are touched.
 * Threads     the main thread.
 * Memory      one small record a file; run_reports_free.
 * On failure  -errno; a file that cannot be read, or is not a report, is passed over.
 */
#ifndef MEMTRACK_CMD_RUN_REPORTS_H
#define MEMTRACK_CMD_RUN_REPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct run_report {
    char *path;
    pid_t pid;
    int64_t start_time_ns;
    uint32_t end_kind; /* enum mtf_end */
    uint32_t flags;    /* MTF_FLAG_* */
    uint64_t peak_bytes;
};

struct run_reports {
    struct run_report *items; /* the program's own images first, then by peak */
    size_t count;
};

/* Finds the reports of run `run_id` in `folder` whose names fit the pattern (with %-marks, without
   folder). `pid` is the program's: its images come first. */
int run_reports_find(struct run_reports *reports, const char *folder, const char *pattern,
                     uint64_t run_id, pid_t pid);
void run_reports_free(struct run_reports *reports);
/* Writes into the report of the program's last image how the program ended. */
void run_reports_mark(struct run_reports *reports, pid_t pid, int wait_status);
/* Prints the summaries of the first `limit` reports and how to read them. */
void run_reports_print(FILE *out, const struct run_reports *reports, size_t limit,
                       const char *folder, bool color);

#endif
