/*
 * Keeps       the limits that a gate holds processes, or some of their call sites, to.
 * Invariant   a limit that was not given is never exceeded.
 * Threads     plain data.
 * Memory      a rule owns its pattern.
 * On failure  false, and a half-sentence about what is wrong.
 */
#ifndef MEMTRACK_REPORT_LIMITS_H
#define MEMTRACK_REPORT_LIMITS_H

#include "trace.h"
#include <stdbool.h>
#include <stdint.h>

enum limit {
    LIMIT_LOST,   /* bytes lost, of the kinds that count */
    LIMIT_BLOCKS, /* blocks lost */
    LIMIT_PEAK,   /* bytes */
    LIMIT_ALLOCS, /* calls */
    LIMIT_TOTAL,  /* bytes */
    LIMIT_TEMPORARY,
    LIMIT_COUNT,
};

struct limits {
    bool given[LIMIT_COUNT];
    uint64_t values[LIMIT_COUNT];
};

/* Limits for the call sites with a frame whose function, file or module the pattern fits. */
struct limit_rule {
    char *pattern; /* wildcard_match; file and module also without their folder */
    struct limits limits;
};

/* "lost", "blocks", "peak", "allocs", "total", "temporary" */
const char *limit_name(enum limit limit);
bool limit_by_name(const char *name, enum limit *limit);
bool limit_is_bytes(enum limit limit);
/* A number; of bytes also with K, M, G or T (of 1024) behind it. NULL, or what it must be. */
const char *limit_set(struct limits *limits, enum limit limit, const char *value);
bool limit_exceeded(const struct limits *limits, enum limit limit, uint64_t value);

/* "PATTERN: lost=0 peak=64K" into a new rule. NULL, or what is wrong. */
const char *limit_rule_parse(struct limit_rule *rule, const char *text);
bool limit_rule_fits(const struct limit_rule *rule, const struct frame_stack *stack,
                     const struct snapshot *snapshot);
bool limit_rule_fits_trace(const struct limit_rule *rule, const struct trace *trace);

#endif
