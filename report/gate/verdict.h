/*
 * Keeps       what a gate, or a comparison, has found: findings, the processes they are about, and what
 *             could not be judged.
 * Invariant   what could not be judged is never silent: `unjudged` is part of every output.
 * Threads     one thread.
 * Memory      all of it until verdict_free, but traces, which belong to ledgers that live longer.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_VERDICT_H
#define MEMTRACK_REPORT_VERDICT_H

#include "ledger.h"
#include "suppress.h"

enum finding_rule {
    FINDING_LEAK,      /* lost blocks of one stack */
    FINDING_PEAK,      /* a process over a limit */
    FINDING_ALLOCS,    /* the same */
    FINDING_TOTAL,     /* the same */
    FINDING_TEMPORARY, /* the same */
    FINDING_SITE,      /* call sites of a process over a limit of theirs */
    FINDING_NEW,       /* a difference, like the next three */
    FINDING_GROWN,
    FINDING_SHRUNK,
    FINDING_GONE,
    FINDING_RULE_LIMIT,
};

struct finding {
    enum finding_rule rule;
    bool blames;               /* makes the exit status 1; otherwise it is told for information */
    char *title;               /* one line, without the place */
    char *measure;             /* of differences: what was compared; NULL: nothing */
    const struct trace *trace; /* NULL: none */
    char fingerprint[LEDGER_FINGERPRINT_SIZE];
    enum mtf_leak_kind kind; /* of leaks */
    uint64_t bytes;          /* of leaks, and of differences how much there is now */
    uint64_t blocks;
    uint64_t before_bytes; /* in the baseline or the first report */
    uint64_t before_blocks;
    uint32_t *processes; /* indices */
    size_t process_count;
};

struct verdict_process {
    char *path;    /* of the report */
    char *program; /* "" if not known */
    char *command; /* arguments as a shell would need them; "" if not known */
    int pid;
    char *unjudged; /* NULL, or why it could not be judged, with the remedy */
};

struct verdict {
    struct finding *findings;
    size_t count;
    size_t room;
    struct verdict_process *processes;
    size_t process_count;
    size_t process_room;
    char **unjudged; /* about no single process */
    size_t unjudged_count;
    struct ledger_leak suppressed; /* leaks that a suppression fits */
    struct ledger_leak known;      /* leaks that the baseline has */
    struct ledger_leak tolerated;  /* leaks within a limit */
    size_t suppressed_count;
    size_t known_count;
    size_t tolerated_count;
    const struct suppress *suppress; /* NULL: none */
    const char *source_root;         /* NULL: none */
    char *const *notes;              /* what a reader should know besides; the ledgers' */
    size_t note_count;
    const char *title; /* what was done: "memtrack check" */
    bool has_baseline; /* leaks are those that a baseline does not have */
    bool compares;     /* findings are differences, also those that blame nobody */
};

/* A zeroed finding at the end; NULL: out of memory. Valid until the next one. */
struct finding *verdict_add(struct verdict *verdict, enum finding_rule rule);
/* Its one line. */
int finding_title(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Copies the numbers of processes. */
int finding_processes(struct finding *finding, const uint32_t *processes, size_t count);
/* The process's index. */
int verdict_add_process(struct verdict *verdict, const char *path, const struct snapshot *snapshot,
                        uint32_t *index);
int process_unjudged(struct verdict_process *process, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int verdict_unjudged(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Moves the findings of `part` behind the others. */
int verdict_append(struct verdict *verdict, struct verdict *part);
void verdict_free(struct verdict *verdict);

/* How many findings blame, and how many processes (and other things) could not be judged. */
size_t verdict_blames(const struct verdict *verdict);
size_t verdict_unjudged_count(const struct verdict *verdict);
/* Enum command_exit: 2 where something could not be judged, even beside findings. */
int verdict_exit(const struct verdict *verdict);
/* Those that blame first, the largest first. */
void verdict_sort(struct verdict *verdict);

/* "leak", "peak", … as programs read it. */
const char *finding_rule_name(enum finding_rule rule);

#endif
