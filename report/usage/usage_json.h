/*
 * Keeps       what was measured beside figures, as JSON: timeline, phases, sizes and lifetimes of the
 *             process; slack, moves, frees elsewhere, alignment and lifetimes of a call site.
 * Invariant   as out_json.h.
 * Threads     one thread.
 * Memory      one object at a time.
 * On failure  -ENOMEM, or -EIO if the stream took an error.
 */
#ifndef MEMTRACK_REPORT_USAGE_JSON_H
#define MEMTRACK_REPORT_USAGE_JSON_H

#include "out_json_part.h"

/* The members "phase" and "usage" of a report, behind other members. */
int usage_json_put(struct json_out *json);
/* The value of "usage" of a call site; JSON's null where nothing was measured. */
json_t *usage_json_site(const struct snapshot *snapshot, uint32_t site);

#endif
