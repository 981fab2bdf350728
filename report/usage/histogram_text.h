/*
 * Keeps       the histograms of requested sizes and of lifetimes in the terminal.
 * Invariant   the counts of a histogram add up to what its title says.
 * Threads     the main thread.
 * Memory      none that outlives the call.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_HISTOGRAM_TEXT_H
#define MEMTRACK_REPORT_HISTOGRAM_TEXT_H

#include "out_text_part.h"

int histogram_text_sizes(struct text *text);
/* Says how to measure them where that was not done, if it was asked for by name. */
int histogram_text_lifetimes(struct text *text);

/* One line on how long half of a call site's blocks lived; nothing where that was not measured. */
void histogram_text_site(struct text *text, uint32_t site);

#endif
