/*
 * Keeps       the judgement of report files by a gate's settings.
 * Invariant   a report that cannot vouch for its process is never passed as clean.
 * Threads     one thread.
 * Memory      the verdict's traces live in `ledger`, until judge_free.
 * On failure  -ENOMEM; everything else is part of the verdict.
 */
#ifndef MEMTRACK_REPORT_JUDGE_H
#define MEMTRACK_REPORT_JUDGE_H

#include "gate.h"
#include "inputs.h"
#include "verdict.h"

struct judge {
    struct gate *gate;
    const struct frame_source *source;
    struct ledger ledger; /* by LEDGER_EXACT: what is reported */
    struct ledger stable; /* what the baseline is compared with */
    struct ledger stacks; /* of findings that are no leaks */
    uint64_t events;      /* allocations of all processes */
    struct verdict verdict;
};

/* Judges every input together, in order. */
int judge_run(struct judge *judge, const struct inputs *inputs);
/* Its last step: what the ledger's leaks come to. */
int judge_leaks(struct judge *judge);
void judge_free(struct judge *judge);

#endif
