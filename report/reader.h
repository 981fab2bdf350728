/*
 * Keeps       the way from a report file's tables to the plain model, with every id checked.
 * Invariant   see snapshot.h; a file that breaks it is refused, never repaired. The exceptions:
 *             counters of a process that still runs may contradict each other by a moment.
 * Threads     any one at a time per source.
 * Memory      the snapshot's; tables are freed as they are taken over.
 * On failure  -errno, a message without the file's name, and *out is NULL.
 */
#ifndef MEMTRACK_REPORT_READER_H
#define MEMTRACK_REPORT_READER_H

#include "snapshot.h"
#include "tables.h"

int reader_parse(const struct tables_source *source, struct snapshot **out, char *message,
                 size_t message_size);

#endif
