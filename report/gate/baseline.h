/*
 * Keeps       ledgers in files: what a baseline is, a JSON text to be checked in beside the code.
 * Invariant   the same sites give the same bytes, in the same order; schema/baseline-1.json says what
 *             they are. What is read back equals what was written.
 * Threads     one thread.
 * Memory      the ledger's.
 * On failure  -errno and one line that names the file and the remedy.
 */
#ifndef MEMTRACK_REPORT_BASELINE_H
#define MEMTRACK_REPORT_BASELINE_H

#include "ledger.h"
#include <stdio.h>

/* The ledger is by LEDGER_STABLE. */
int baseline_write(FILE *out, const struct ledger *ledger);
/* Fills an empty ledger by LEDGER_STABLE. */
int baseline_load(struct ledger *ledger, const char *path, char *message, size_t message_size);
/* Does the file begin as a JSON text does? A report never does. */
bool baseline_is_one(const char *path);

#endif
