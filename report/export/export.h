/*
 * Keeps       what all export formats share: the report, its call sites' paths, and what is asked for.
 * Invariant   a format writes the figures of the report and computes none of its own; the same report
 *             and names give the same bytes.
 * Threads     one thread.
 * Memory      one stack at a time, the functions, and what a format says of itself.
 * On failure  -ENOMEM, -EIO if the stream took an error, or -errno of what writes to a file; the output
 *             is then incomplete.
 */
#ifndef MEMTRACK_REPORT_EXPORT_H
#define MEMTRACK_REPORT_EXPORT_H

#include "figures.h"
#include "snapshot.h"
#include "stacks.h"
#include <stdbool.h>
#include <stdio.h>

struct export
{
    const struct snapshot *snapshot;
    struct stacks stacks;
    enum figures_key key;   /* the value that a format with one value has, or shows first */
    enum mtf_domain domain; /* which call sites */
    FILE *out;
};

typedef int export_write(struct export *export);

/* Stacks of flamegraph.pl: "main;work;make 1234". */
export_write export_folded;
/* gzip of a protocol buffer, for pprof and what reads its profiles. */
export_write export_pprof;
export_write export_speedscope;
export_write export_callgrind;
export_write export_massif;
/* -E2BIG: more allocations than a file with a line for each should have. */
export_write export_heaptrack;

/* Adds the whole report, all domains, to the database at `path`, which is made where it is missing.
   `message` says what SQLite said, if it failed. */
int export_sqlite(struct export *export, const char *path, char *message, size_t message_size);

/* Does the site belong to what is exported, with anything of any key? */
bool export_has(const struct export *export, uint32_t site);
/* The five keys' values of a site. */
void export_values(const struct export *export, uint32_t site, uint64_t values[FIGURES_KEY_LIMIT]);
/* When the run ended, and when it was at its peak; nanoseconds since its start. The peak is known as a
   number of allocations: its time is interpolated between the points of the timeline around it. */
uint64_t export_end_ns(const struct snapshot *snapshot);
uint64_t export_peak_ns(const struct snapshot *snapshot);
/* The program and its arguments with blanks between them; control characters become blanks. */
void export_command(const struct snapshot *snapshot, FILE *out);
/* A name on one line: control characters, and `forbidden`, become blanks (or ':' for ';'). */
void export_text(FILE *out, const char *text, char forbidden);

#endif
