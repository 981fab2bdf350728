/*
 * Keeps       what the sections of the text report share: the report at hand, its rows' numbers, and
 *             how a stack and a block look.
 * Invariant   a stack is printed once; rows that have it again say where.
 * Threads     the main thread.
 * Memory      numbers and stack belong to out_text.
 * On failure  -errno; what the stream did not take is seen at its end.
 */
#ifndef MEMTRACK_REPORT_OUT_TEXT_PART_H
#define MEMTRACK_REPORT_OUT_TEXT_PART_H

#include "frame_text.h"
#include "out_text.h"
#include "terminal.h"

struct text {
    FILE *out;
    const struct snapshot *snapshot;
    struct frames *frames;
    const struct out_text_options *options;
    struct frame_stack stack; /* of the row at hand */
    uint32_t *numbers;        /* by site: the row in which its stack was printed, 0 for none */
    uint32_t number;          /* of the last row */
};

const char *text_style(const struct text *text, enum terminal_style wanted);
/* Rows of a section that has `count`: as many as are asked for. Minor sections have fewer. */
size_t text_top(const struct text *text, size_t count, bool minor);
/* "\nTITLE: " */
void text_title(struct text *text, const char *title);
/* Reads a call site's stack, to be at hand. */
int text_load(struct text *text, uint32_t site);
/* The stack at hand, which is of call site `site` and row text->number: in full where it comes first. */
void text_stack_once(struct text *text, uint32_t site);
/* The stack at hand; or, where row `number` has it, its innermost frame and that number. */
void text_stack(struct text *text);
void text_stack_again(struct text *text, uint32_t number);
void text_block(struct text *text, const struct snapshot_block *block);

#endif
