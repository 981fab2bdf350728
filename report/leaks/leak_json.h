/*
 * Keeps       the leak checks of the JSON report: members "unclassified" and "checks".
 * Invariant   as out_json.h; every check of the file is there, also one that failed.
 * Threads     one thread.
 * Memory      the loss records of one check at a time.
 * On failure  -ENOMEM, or -EIO if the stream took an error.
 */
#ifndef MEMTRACK_REPORT_LEAK_JSON_H
#define MEMTRACK_REPORT_LEAK_JSON_H

#include "out_json_part.h"

int leak_json_put(struct json_out *json);

#endif
