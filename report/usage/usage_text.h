/*
 * Keeps       sections on what was measured of call sites besides their figures.
 * Invariant   rows fall by the figure in their title; sites that have none of it are left out.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_USAGE_TEXT_H
#define MEMTRACK_REPORT_USAGE_TEXT_H

#include "out_text_part.h"

/* Bytes that the allocator added to what is still allocated. */
int usage_text_slack(struct text *text);
/* Bytes that reallocs copied. */
int usage_text_moved(struct text *text);
/* Blocks that another thread freed than the one that allocated them. */
int usage_text_elsewhere(struct text *text);
/* The largest alignment that was asked for. */
int usage_text_alignment(struct text *text);

#endif
