/*
 * Keeps       the sections of the text report on mappings, on what the resident memory consists of, and
 *             on threads.
 * Invariant   heap and mappings are summed apart, and together without counting twice.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_MEMORY_TEXT_H
#define MEMTRACK_REPORT_MEMORY_TEXT_H

#include "out_text_part.h"

/* A section with nothing to say is left out. */
int memory_text_mappings(struct text *text);
int memory_text_resident(struct text *text);
int memory_text_threads(struct text *text);

#endif
