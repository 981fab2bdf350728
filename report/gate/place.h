/*
 * Keeps       where a finding is, for the forms that point at source lines; and text for them.
 * Invariant   a file below the source root is named from there, with `/` between folders.
 * Threads     any.
 * Memory      within the finding's own strings, but where a function says otherwise.
 * On failure  NULL: there is no such place, or no memory.
 */
#ifndef MEMTRACK_REPORT_PLACE_H
#define MEMTRACK_REPORT_PLACE_H

#include "verdict.h"
#include <jansson.h>
#include <stdio.h>

/* `file` as seen from the root; NULL for NULL. */
const char *place_file(const char *file, const char *root);
/* The frame that a finding points at; NULL: none has a file. */
const struct trace_frame *place_of(const struct finding *finding, const char *root);
/* The file of that frame, or for those who take no finding without one: the report that it was found in, or
   the root. `line` is at least 1. */
const char *place_path(const struct verdict *verdict, const struct finding *finding,
                       unsigned *line);
/* {"file", "line"}, or null */
json_t *place_object(const struct finding *finding, const char *root);
/* Is the file below the root? Only such a file can be linked to. */
bool place_is_inside(const struct trace_frame *frame, const char *root);
/* "function at file:line", as many lines as the stack has visible frames. */
void place_stack(FILE *out, const struct finding *finding, const char *root);
/* The same, allocated: the caller frees it. */
char *place_stack_text(const struct verdict *verdict, const struct finding *finding);
/* The finding's fingerprint with its rule and kind: what stays the same from run to run. Findings that
   differ in lines alone have the same; `index` tells them apart. */
void place_fingerprint(const struct verdict *verdict, size_t index, char *to, size_t size);

#endif
