/*
 * Keeps       a verdict in the forms that people and CI systems read.
 * Invariant   every finding that blames, and everything that could not be judged, is in every form.
 *             Files are named from the source root where they lie below it. What comes from reports
 *             cannot break out of its place: it is escaped as each form asks.
 * Threads     one thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM, or -EIO if the stream took an error.
 */
#ifndef MEMTRACK_REPORT_OUT_GATE_H
#define MEMTRACK_REPORT_OUT_GATE_H

#include "gate.h"
#include "verdict.h"
#include <stdio.h>

struct out_gate_options {
    bool color;
    bool full;             /* whole stacks */
    bool gen_suppressions; /* text: an entry behind each leak */
};

int out_gate(FILE *out, enum gate_format format, const struct verdict *verdict,
             const struct out_gate_options *options);

/* One of each format; called by out_gate alone. */
int out_gate_text(FILE *out, const struct verdict *verdict, const struct out_gate_options *options);
int out_gate_json(FILE *out, const struct verdict *verdict);
int out_gate_junit(FILE *out, const struct verdict *verdict);
int out_gate_sarif(FILE *out, const struct verdict *verdict);
int out_gate_github(FILE *out, const struct verdict *verdict);
int out_gate_gitlab(FILE *out, const struct verdict *verdict);
int out_gate_markdown(FILE *out, const struct verdict *verdict);

/* Suppressions of Valgrind's form for the leaks that blame, each once. */
int out_gate_suppressions(FILE *out, const struct verdict *verdict);

/* The verdict in one line: how many findings, of how much, in how many processes. */
void out_gate_counts(FILE *out, const struct verdict *verdict);

#endif
