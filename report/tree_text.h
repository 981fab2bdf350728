/*
 * Keeps       call trees in the terminal: callers first (top-down), and the allocating function first
 *             (bottom-up).
 * Invariant   a line's figure is that of all call sites below it; what is too small for lines of its own
 *             is summed up in one, so that the lines below a line add up to it but for less than a
 *             TREE_TEXT_PARTS-th of the whole.
 * Threads     the main thread.
 * Memory      one tree at a time.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_TREE_TEXT_H
#define MEMTRACK_REPORT_TREE_TEXT_H

#include "out_text_part.h"

#define TREE_TEXT_DOWN 1u
#define TREE_TEXT_UP 2u

/* A branch below such a part of the whole is no line of its own; with --full a tenth of that is. */
#define TREE_TEXT_PARTS 100

/* The trees that text->options->trees names, of options->sort; without one, of what is still
   allocated, or of the peak where nothing is. */
int tree_text_print(struct text *text);

#endif
