/*
 * Keeps       the members "mappings" and "memory" of the JSON report, and its threads.
 * Invariant   as report/schema/report-1.json says.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM, or -EIO if the stream took an error.
 */
#ifndef MEMTRACK_REPORT_MEMORY_JSON_H
#define MEMTRACK_REPORT_MEMORY_JSON_H

#include "out_json_part.h"

/* The inside of "mappings" but for its call sites. */
int memory_json_put_mappings(struct json_out *json);
int memory_json_put(struct json_out *json);
json_t *memory_json_thread(const struct snapshot_thread *thread);

#endif
