/*
 * Keeps       the way from inputs of a command line (reports, folders of them, baselines) to a ledger.
 * Invariant   figures and leaks of all inputs are summed up; a baseline adds what it holds.
 * Threads     the main thread.
 * Memory      the ledger's.
 * On failure  -errno and one line that names the input and the remedy.
 */
#ifndef MEMTRACK_REPORT_LEDGER_READ_H
#define MEMTRACK_REPORT_LEDGER_READ_H

#include "ledger.h"

/* Adds a report, all reports of a folder, or a baseline, to a ledger by LEDGER_STABLE. */
int ledger_read(struct ledger *ledger, const char *path, const struct frame_source *source,
                char *message, size_t message_size);

#endif
