#include "out_text.h"
#include "amount.h"
#include "leaks/leak_text.h"
#include "memory/memory_text.h"
#include "out_text_part.h"
#include "progress.h"
#include "summary.h"
#include "tree_text.h"
#include "usage/histogram_text.h"
#include "usage/phase_text.h"
#include "usage/timeline_text.h"
#include "usage/usage_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a deep stack, this many frames at each end are shown. */
#define TEXT_INNER_FRAMES 24
#define TEXT_OUTER_FRAMES 8
/* Rows of a section that is not one of the main ones. */
#define TEXT_MINOR_ROWS 3
/* Sample addresses of a row. */
#define TEXT_BLOCKS 3

static const struct {
    const char *title;
    const char *whole; /* what a percentage is of */
} text_sections[FIGURES_KEY_LIMIT] = {
    [FIGURES_LIVE] = {"Still allocated", "of what is still allocated"},
    [FIGURES_PEAK] = {"Share of the peak", "of the peak"},
    [FIGURES_TOTAL] = {"Most bytes allocated", "of all bytes"},
    [FIGURES_CALLS] = {"Most calls", "of all allocations"},
    [FIGURES_TEMPORARY] = {"Temporary allocations", "of all temporary ones"},
};

const char *text_style(const struct text *text, enum terminal_style wanted)
{
    return terminal_style(text->options->color, wanted);
}

/* Is this section asked for? */
static bool text_wants(const struct text *text, unsigned section)
{
    const struct out_text_options *options = text->options;
    if (options->sections != 0)
        return (options->sections & SECTION_BIT(section)) != 0;
    if (options->leaks)
        return section == SECTION_LEAKS;
    return options->sort == FIGURES_KEY_LIMIT || section == (unsigned)options->sort;
}

static void text_module(struct text *text, uint32_t module)
{
    frame_text_module(text->out, text->snapshot->modules[module].path);
}

static void text_frame(struct text *text, const struct frame *frame)
{
    const struct snapshot_name *folder = &text->snapshot->folder;
    const struct frame_text_options options = {
        .color = text->options->color,
        .full = text->options->full,
        .folder = folder->bytes,
    };
    const struct frame_text shown = frame_text_of(text->snapshot, frame);
    frame_text_put(text->out, &shown, &options);
}

static bool text_hides(const struct text *text, const struct frame *frame)
{
    return !text->options->full && frame_stack_hides(&text->stack, frame);
}

/* How many frames of the stack at hand are to be seen at all. */
static size_t text_visible(const struct text *text)
{
    return text->options->full ? text->stack.count : text->stack.count - text->stack.folded;
}

static void text_gap(struct text *text, size_t left_out)
{
    fprintf(text->out, "        %s... %s left out (--full shows them)%s\n",
            text_style(text, TERMINAL_FAINT), amount_noun(left_out, "frame").text,
            text_style(text, TERMINAL_PLAIN));
}

static void text_frames(struct text *text)
{
    size_t visible = text_visible(text), seen = 0;
    size_t inner = visible, outer = 0;
    if (!text->options->full && visible > TEXT_INNER_FRAMES + TEXT_OUTER_FRAMES + 1) {
        inner = TEXT_INNER_FRAMES;
        outer = visible - TEXT_OUTER_FRAMES;
    }
    for (size_t i = 0; i < text->stack.count; i++) {
        const struct frame *frame = &text->stack.frames[i];
        if (text_hides(text, frame))
            continue;
        if (seen < inner || seen >= outer)
            text_frame(text, frame);
        else if (seen == inner)
            text_gap(text, outer - inner);
        seen++;
    }
}

void text_stack(struct text *text)
{
    if (text->stack.count == 0)
        fputs("        unknown call site\n", text->out);
    text_frames(text);
    if (text->stack.cut)
        fprintf(text->out, "        %s[cut here: the stack is deeper than the limit of %s]%s\n",
                text_style(text, TERMINAL_WARNING),
                amount_noun(text->snapshot->depth_limit, "frame").text,
                text_style(text, TERMINAL_PLAIN));
}

/* The innermost frame of a stack that was printed before, and where. */
void text_stack_again(struct text *text, uint32_t number)
{
    for (size_t i = 0; i < text->stack.count; i++) {
        if (!text_hides(text, &text->stack.frames[i])) {
            text_frame(text, &text->stack.frames[i]);
            break;
        }
    }
    fprintf(text->out, "        %s... as in [%" PRIu32 "] above%s\n",
            text_style(text, TERMINAL_FAINT), number, text_style(text, TERMINAL_PLAIN));
}

void text_block(struct text *text, const struct snapshot_block *block)
{
    const struct snapshot_thread *thread = &text->snapshot->threads[block->thread];
    fprintf(text->out, "        block 0x%" PRIx64 ": %s", block->address,
            amount_noun(block->size, "byte").text);
    if (block->usable > 0)
        fprintf(text->out, ", usable %s", amount_count(block->usable).text);
    if (block->thread > 0) {
        fprintf(text->out, ", by thread %" PRIu32, thread->tid);
        if (thread->name[0] != '\0') {
            fputs(" (", text->out);
            terminal_put_string(text->out, thread->name);
            fputc(')', text->out);
        }
    }
    fputc('\n', text->out);
}

static void text_blocks(struct text *text, uint32_t site)
{
    size_t count;
    const struct snapshot_block *blocks = snapshot_blocks(text->snapshot, site, &count);
    size_t shown = text->options->full || count < TEXT_BLOCKS ? count : TEXT_BLOCKS;
    for (size_t i = 0; i < shown; i++)
        text_block(text, &blocks[i]);
}

static void text_row_values(struct text *text, const struct figures *row, enum figures_key key,
                            uint64_t value)
{
    uint64_t count = figures_count(row, key);
    switch (key) {
    case FIGURES_CALLS:
        fprintf(text->out, "%s", amount_noun(value, "call").text);
        break;
    case FIGURES_TEMPORARY:
        fprintf(text->out, "%s of %s", amount_count(value).text,
                amount_noun(row->allocs, "allocation").text);
        break;
    case FIGURES_TOTAL:
        fprintf(text->out, "%s in %s", amount_bytes(value).text, amount_noun(count, "call").text);
        break;
    default:
        fprintf(text->out, "%s in %s", amount_bytes(value).text, amount_noun(count, "block").text);
        break;
    }
}

/* What one may want to know besides the section's own figure. */
static void text_row_rest(struct text *text, const struct figures *row, enum figures_key key)
{
    if (key == FIGURES_CALLS)
        fprintf(text->out, ", %s", amount_bytes(row->alloc_bytes).text);
    if (row->largest > 0 && row->allocs > 1 && key == FIGURES_TOTAL)
        fprintf(text->out, ", largest %s", amount_bytes(row->largest).text);
    if (row->reallocs > 0 && key == FIGURES_CALLS)
        fprintf(text->out, ", %s by realloc", amount_count(row->reallocs).text);
    if (row->zero_size > 0 && key == FIGURES_CALLS)
        fprintf(text->out, ", %s of zero size", amount_count(row->zero_size).text);
    if (row->failed > 0 && key == FIGURES_CALLS)
        fprintf(text->out, ", %s failed", amount_count(row->failed).text);
}

/* What a percentage is of. */
static const char *text_whole(const struct text *text, enum figures_key key)
{
    if (text->snapshot->is_cut && key == FIGURES_LIVE)
        return "of what is allocated then";
    if (text->snapshot->is_cut && key == FIGURES_PEAK)
        return "of the phase's peak";
    return text_sections[key].whole;
}

static void text_row_head(struct text *text, const struct aggregate_row *row, enum figures_key key)
{
    uint64_t value = figures_value(&row->figures, key);
    uint64_t whole = figures_value(&text->snapshot->totals, key);
    fprintf(text->out, "  [%" PRIu32 "] %s", ++text->number, text_style(text, TERMINAL_HEADING));
    text_row_values(text, &row->figures, key, value);
    fprintf(text->out, "%s, %s %s", text_style(text, TERMINAL_PLAIN),
            amount_share(value, whole).text, text_whole(text, key));
    text_row_rest(text, &row->figures, key);
    if (text->options->by != AGGREGATE_SITE)
        fprintf(text->out, ", from %s", amount_noun(row->sites, "call site").text);
    fputc('\n', text->out);
}

int text_load(struct text *text, uint32_t site)
{
    int error = frames_stack(text->frames, text->snapshot->sites[site].node, &text->stack);
    progress_clear();
    return error;
}

void text_stack_once(struct text *text, uint32_t site)
{
    if (text->numbers[site] != 0) {
        text_stack_again(text, text->numbers[site]);
        return;
    }
    text->numbers[site] = text->number;
    text_stack(text);
}

size_t text_top(const struct text *text, size_t count, bool minor)
{
    size_t top = text->options->top;
    if (minor && text->options->brief && text->options->sections == 0 && top > TEXT_MINOR_ROWS)
        top = TEXT_MINOR_ROWS;
    return top > 0 && top < count ? top : count;
}

void text_title(struct text *text, const char *title)
{
    fprintf(text->out, "\n%s%s%s: ", text_style(text, TERMINAL_HEADING), title,
            text_style(text, TERMINAL_PLAIN));
}

static int text_row_site(struct text *text, const struct aggregate_row *row, enum figures_key key)
{
    int error = text_load(text, row->site);
    if (error != 0)
        return error;
    text_row_head(text, row, key);
    text_stack_once(text, row->site);
    if (key == FIGURES_LIVE)
        text_blocks(text, row->site);
    if (key == FIGURES_CALLS || key == FIGURES_TEMPORARY)
        histogram_text_site(text, row->site);
    return 0;
}

static void text_row_self(struct text *text, const struct aggregate_row *row, enum figures_key key)
{
    const struct frame *self = &row->self;
    text_row_head(text, row, key);
    fputs("        ", text->out);
    if (self->module == 0 && self->offset == 0)
        fputs("unknown call site", text->out);
    else if (text->options->by == AGGREGATE_MODULE)
        terminal_put_string(text->out, text->snapshot->modules[self->module].path);
    else if (self->name->function != NULL)
        frame_text_function(text->out, self->name->function, text->options->full);
    else
        frame_text_address(text->out,
                           self->module != 0 ? text->snapshot->modules[self->module].path : NULL,
                           self->offset);
    if (text->options->by == AGGREGATE_FUNCTION && self->name->function != NULL) {
        fprintf(text->out, "%s [", text_style(text, TERMINAL_FAINT));
        text_module(text, self->module);
        fprintf(text->out, "]%s", text_style(text, TERMINAL_PLAIN));
    }
    fputc('\n', text->out);
}

static void text_section_head(struct text *text, enum figures_key key, size_t shown, size_t count)
{
    static const char *const things[AGGREGATE_BY_LIMIT] = {"call site", "function", "module"};
    bool phase_end = text->snapshot->is_cut && key == FIGURES_LIVE;
    text_title(text, phase_end ? "Allocated at the end of the phase" : text_sections[key].title);
    if (shown < count)
        fprintf(text->out, "the first %s of ", amount_count(shown).text);
    fprintf(text->out, "%s\n", amount_noun(count, things[text->options->by]).text);
}

static int text_section(struct text *text, const struct aggregate *aggregate, enum figures_key key,
                        const struct aggregate_row **order)
{
    size_t count = aggregate_order(aggregate, key, false, order);
    size_t shown = text_top(text, count, false);
    int error = 0;
    if (count == 0)
        return 0;
    text_section_head(text, key, shown, count);
    for (size_t i = 0; i < shown && error == 0; i++) {
        if (text->options->by == AGGREGATE_SITE)
            error = text_row_site(text, order[i], key);
        else
            text_row_self(text, order[i], key);
    }
    return error;
}

static int text_sections_print(struct text *text, const struct aggregate *aggregate)
{
    const struct aggregate_row **order = calloc(aggregate->count + 1, sizeof(void *));
    int error = 0;
    if (order == NULL)
        return -ENOMEM;
    for (int key = 0; key < FIGURES_KEY_LIMIT && error == 0; key++) {
        if (text_wants(text, (unsigned)key))
            error = text_section(text, aggregate, (enum figures_key)key, order);
    }
    free(order);
    return error;
}

static int text_figures(struct text *text)
{
    struct aggregate aggregate;
    int error = aggregate_build(&aggregate, text->snapshot, text->frames, text->options->by,
                                MTF_DOMAIN_HEAP);
    progress_clear();
    if (error != 0)
        return error;
    error = text_sections_print(text, &aggregate);
    aggregate_free(&aggregate);
    return error;
}

/* Was the same said of an earlier load of the same file? */
static bool text_complained(struct text *text, uint32_t module, const char *complaint)
{
    const struct snapshot_module *modules = text->snapshot->modules;
    for (uint32_t earlier = 1; earlier < module; earlier++) {
        const char *said = NULL;
        if (strcmp(modules[earlier].path, modules[module].path) == 0)
            said = frames_complaint(text->frames, earlier);
        if (said != NULL && strcmp(said, complaint) == 0)
            return true;
    }
    return false;
}

static void text_notes(struct text *text)
{
    bool any = false;
    for (uint32_t module = 1; module < text->snapshot->module_count; module++) {
        const char *complaint = frames_complaint(text->frames, module);
        if (complaint == NULL || text_complained(text, module, complaint))
            continue;
        if (!any)
            fprintf(text->out, "\n%sNotes%s\n", text_style(text, TERMINAL_HEADING),
                    text_style(text, TERMINAL_PLAIN));
        any = true;
        fputs("  ", text->out);
        terminal_put_string(text->out, text->snapshot->modules[module].path);
        fputc(' ', text->out);
        terminal_put_string(text->out, complaint);
        fputc('\n', text->out);
    }
}

static int text_all_sections(struct text *text)
{
    static const struct {
        enum section section;
        int (*print)(struct text *);
    } parts[] = {
        {SECTION_PHASES, phase_text_print},        {SECTION_TIMELINE, timeline_text_print},
        {SECTION_SIZES, histogram_text_sizes},     {SECTION_LIFETIMES, histogram_text_lifetimes},
        {SECTION_SLACK, usage_text_slack},         {SECTION_MOVED, usage_text_moved},
        {SECTION_ELSEWHERE, usage_text_elsewhere}, {SECTION_ALIGNMENT, usage_text_alignment},
        {SECTION_MAPPINGS, memory_text_mappings},  {SECTION_MEMORY, memory_text_resident},
        {SECTION_THREADS, memory_text_threads},
    };
    int error = 0;
    if (text_wants(text, SECTION_LEAKS) && !text->snapshot->is_cut)
        error = leak_text_print(text);
    if (error == 0)
        error = text_figures(text);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && error == 0; i++) {
        if (text_wants(text, parts[i].section))
            error = parts[i].print(text);
    }
    return error;
}

int out_text(FILE *out, const struct snapshot *snapshot, struct frames *frames,
             const struct out_text_options *options)
{
    struct text text = {.out = out, .snapshot = snapshot, .frames = frames, .options = options};
    int error = summary_print(out, snapshot, options->color);
    if (error != 0)
        return error;
    text.numbers = calloc(snapshot->site_count, sizeof text.numbers[0]);
    if (text.numbers == NULL)
        return -ENOMEM;
    error = options->trees != 0 ? tree_text_print(&text) : text_all_sections(&text);
    if (error == 0)
        text_notes(&text);
    frame_stack_free(&text.stack);
    free(text.numbers);
    return error == 0 && ferror(out) ? -EIO : error;
}
