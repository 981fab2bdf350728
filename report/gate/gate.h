/*
 * Keeps       what a gate was asked to judge by: limits, kinds of leaks, suppressions, baseline; from the
 *             command line and from memtrack.ini.
 * Invariant   a later setting replaces an earlier one; suppressions and rules add up.
 * Threads     the main thread.
 * Memory      all of it until gate_free.
 * On failure  -errno and one line that names the setting, or the file and its line.
 */
#ifndef MEMTRACK_REPORT_GATE_H
#define MEMTRACK_REPORT_GATE_H

#include "ledger.h"
#include "limits.h"
#include "suppress.h"

/* What a report may be and still be judged (setting `allow`). */
enum gate_allow {
    GATE_ALLOW_KILLED = 0x1,
    GATE_ALLOW_MISSED = 0x2,
    GATE_ALLOW_UNTRACKED = 0x4,
    GATE_ALLOW_UNCLASSIFIED = 0x8,
};

enum gate_format {
    GATE_TEXT,
    GATE_JSON,
    GATE_JUNIT,
    GATE_SARIF,
    GATE_GITHUB,
    GATE_GITLAB,
    GATE_MARKDOWN,
    GATE_FORMAT_LIMIT,
};

struct gate {
    unsigned kinds; /* leak_kind_bit */
    unsigned allow; /* enum gate_allow */
    struct limits limits;
    struct limit_rule *rules;
    size_t rule_count;
    char **programs; /* patterns of those that are judged; none: all are */
    size_t program_count;
    struct suppress suppress;
    struct ledger baseline; /* by LEDGER_STABLE */
    char *baseline_path;    /* NULL: none */
    char *source_root;      /* absolute, without '/' at its end */
};

/* Is a process of this program to be judged? */
bool gate_judges(const struct gate *gate, const struct snapshot *snapshot);
int gate_begin(struct gate *gate, char *message, size_t message_size);
void gate_free(struct gate *gate);

/* A setting by the name of its option: "max-lost", "max-blocks", "max-peak", "max-allocs", "max-total",
   "max-temporary", "kinds", "allow", "program", "site", "suppressions", "baseline", "source-root". Names of files
   are as seen from `folder` (NULL: the current one). */
int gate_set(struct gate *gate, const char *name, const char *value, const char *folder,
             char *message, size_t message_size);
/* Settings of the file's sections [check] and [site PATTERN]. */
int gate_read_file(struct gate *gate, const char *path, char *message, size_t message_size);

bool gate_format_parse(const char *name, enum gate_format *format);
const char *gate_format_name(enum gate_format format);

#endif
