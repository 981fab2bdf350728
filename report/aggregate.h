/*
 * Keeps       the rows of a report: call sites as they are, or summed up by function or module.
 * Invariant   the figures of all rows together are those of all sites of one domain. A site counts for one row
 *             alone, that of its innermost frame which is not folded (see fold.h), so that a row
 *             holds what a function or module allocated itself, not what it called.
 * Threads     one thread.
 * Memory      one row per distinct key; freed by aggregate_free.
 * On failure  -ENOMEM, and the aggregate is empty.
 */
#ifndef MEMTRACK_REPORT_AGGREGATE_H
#define MEMTRACK_REPORT_AGGREGATE_H

#include "figures.h"
#include "frames.h"
#include "snapshot.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aggregate_by {
    AGGREGATE_SITE,
    AGGREGATE_FUNCTION,
    AGGREGATE_MODULE,
    AGGREGATE_BY_LIMIT,
};

struct aggregate_row {
    struct figures figures;
    uint32_t site;     /* the only one, or the first */
    uint32_t sites;    /* how many were summed up */
    struct frame self; /* not for AGGREGATE_SITE; its line is that of the first site */
};

struct aggregate {
    struct aggregate_row *rows;
    size_t count;
};

/* "site", "function", "module" */
const char *aggregate_by_name(enum aggregate_by by);
bool aggregate_by_parse(const char *name, enum aggregate_by *by);

/* Of the call sites of one domain: heap blocks and mappings are never mixed. */
int aggregate_build(struct aggregate *aggregate, const struct snapshot *snapshot,
                    struct frames *frames, enum aggregate_by by, enum mtf_domain domain);
void aggregate_free(struct aggregate *aggregate);

/* Rows by falling figures_value; `order` has room for all rows. Rows that have nothing of the key
   are left out, unless `all`. Returns how many rows there are in it. */
size_t aggregate_order(const struct aggregate *aggregate, enum figures_key key, bool all,
                       const struct aggregate_row **order);

#endif
