/*
 * Keeps       the differences between two ledgers, as findings.
 * Invariant   a site that has as much of a measure as before is no difference. What is new or has grown
 *             blames; what has shrunk or is gone does not.
 * Threads     one thread.
 * Memory      the verdict's; traces stay those of the ledgers.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_COMPARE_H
#define MEMTRACK_REPORT_COMPARE_H

#include "ledger.h"
#include "verdict.h"

enum compare_by {
    COMPARE_LEAKS, /* lost bytes and blocks: definite and possible */
    COMPARE_PEAK,
    COMPARE_TOTAL,
    COMPARE_CALLS,
    COMPARE_LIMIT,
};

/* "leaks", "peak", "total", "calls" */
const char *compare_name(enum compare_by by);
bool compare_parse(const char *name, enum compare_by *by);

/* Both by LEDGER_STABLE. `kinds` (leak_kind_bit) are the leaks that count; `threshold`: differences
   below it, in bytes (of calls: in calls), are left out. */
int compare_ledgers(struct verdict *verdict, const struct ledger *before,
                    const struct ledger *after, enum compare_by by, unsigned kinds,
                    uint64_t threshold);

#endif
