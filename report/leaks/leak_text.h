/*
 * Keeps       the leaks section of the text report, in the words that people know from Valgrind.
 * Invariant   the kinds of the summary add up to what the check saw; where nothing is classified,
 *             the section says why.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_LEAK_TEXT_H
#define MEMTRACK_REPORT_LEAK_TEXT_H

#include "out_text_part.h"

/* Nothing is printed for a process that holds nothing and was not checked. */
int leak_text_print(struct text *text);
/* The table of kinds of one check. */
void leak_text_summary(FILE *out, const struct snapshot_check *check);

#endif
