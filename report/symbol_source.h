/*
 * Keeps       the symbolizer as a source of names for frames.h.
 * Invariant   the functions of the source are those of symbolize.h.
 * Threads     as the symbolizer.
 * Memory      none; the symbolizer must live as long as the source is used.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_REPORT_SYMBOL_SOURCE_H
#define MEMTRACK_REPORT_SYMBOL_SOURCE_H

#include "frames.h"

struct frame_source symbol_source(struct symbolizer *symbolizer);

#endif
