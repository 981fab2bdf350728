/*
 * Keeps       what the program says of its leaks in LeakSanitizer's words (__lsan_default_suppressions): lines
 *             "leak:PATTERN", for the exit code and the line at the end.
 * Invariant   the report file has all losses, and the text; the report tool, which knows inlined functions,
 *             source files and demangled names, decides for itself.
 * Threads     the holder of LOCK_START.
 * Memory      a copy of the text; while it looks, the symbol table of one module.
 * On failure  what cannot be looked up is not suppressed.
 */
#ifndef MEMTRACK_SCAN_SUPPRESSED_H
#define MEMTRACK_SCAN_SUPPRESSED_H

#include "memtrack/format.h"

void suppressed_take(const char *text);
/* Counts what the text covers of the losses of the check with this index as ignored, in `record` alone. */
void suppressed_count(uint32_t check, struct mtf_check *record);

#endif
