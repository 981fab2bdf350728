/*
 * Keeps       what the parts of a page share while it is written: the stream, and texts that are told
 *             once and referred to by number.
 * Invariant   the columns of a page are the same everywhere: PAGE_COLUMNS for each group, one group
 *             behind the other.
 * Threads     as page.h.
 * Memory      page_texts_free.
 * On failure  -ENOMEM; errors of the stream are looked at once, in the end.
 */
#ifndef MEMTRACK_REPORT_PAGE_PART_H
#define MEMTRACK_REPORT_PAGE_PART_H

#include "figures.h"
#include "functions.h"
#include "page.h"
#include "stacks.h"
#include "usage/phase_group.h"
#include <stdint.h>

/* live bytes, live blocks, peak bytes, peak blocks, all bytes, all calls, temporary calls */
#define PAGE_COLUMNS 7
/* Groups of columns: one for each report, or one for the whole run and one for each phase that is shown. */
#define PAGE_GROUPS_MAX 8
#define PAGE_WIDTH_MAX ((size_t)PAGE_COLUMNS * PAGE_GROUPS_MAX)

struct page_text;

/* A phase that tables and trees can be cut to. */
struct page_cut {
    uint32_t group;          /* of the phase groups */
    struct figures *figures; /* by call site */
    struct figures totals;
};

struct page_texts {
    struct page_text *index;
    struct page_text *last;
};

struct page_writer {
    const struct page *page;
    FILE *out; /* escapes what could end a script element */
    unsigned width;
    struct page_texts texts;
    struct phase_groups phases; /* of the only report */
    struct page_cut cuts[PAGE_GROUPS_MAX - 1];
    unsigned cut_count;
};

/* Writes the columns of one group; the others stay as they are. */
void page_columns(const struct figures *figures, unsigned group, uint64_t values[PAGE_WIDTH_MAX]);
/* All columns of a site of report `report`; those of the other report are zero. */
void page_site_columns(const struct page_writer *writer, unsigned report, uint32_t site,
                       uint64_t values[PAGE_WIDTH_MAX]);
void page_columns_add(uint64_t sums[PAGE_WIDTH_MAX], const uint64_t values[PAGE_WIDTH_MAX]);
/* ",1,2,3": `width` numbers, none above what a script counts exactly. */
void page_put_values(struct page_writer *writer, const uint64_t *values, unsigned width);
void page_put_number(FILE *out, uint64_t value);
/* A text as a JSON string. */
int page_put_string(FILE *out, const char *bytes, size_t length);
/* The number of a text; NULL is the empty one. */
int page_text_id(struct page_writer *writer, const char *text, uint32_t *id);
int page_put_texts(struct page_writer *writer);
void page_texts_free(struct page_texts *texts);
/* "[name, module, file, line, flags]" of a function. Flags: 1 inlined, 2 folded. */
int page_put_function(struct page_writer *writer, const struct function *function);

/* The phases that the page can be cut to: of one report those with most calls. */
int page_cuts_open(struct page_writer *writer);
void page_cuts_close(struct page_writer *writer);

/* Opens the stacks of a report; `functions` may be shared by both. */
int page_stacks_open(const struct page *page, unsigned report, struct functions *functions,
                     struct stacks *stacks);
void page_stacks_close(struct stacks *stacks);

/* Members of the page's object, each with a comma in front. */
int page_put_facts(struct page_writer *writer);
int page_put_memory(struct page_writer *writer);
int page_put_phases(struct page_writer *writer);
int page_put_trees(struct page_writer *writer);
int page_put_rows(struct page_writer *writer);

#endif
