#include "usage_text.h"
#include "amount.h"
#include "lifetime_sum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct usage_section {
    const char *title;
    uint64_t (*value)(const struct snapshot *, const struct snapshot_usage *);
    void (*row)(struct text *, const struct snapshot_usage *, uint64_t value, uint64_t whole);
};

struct usage_row {
    const struct snapshot_usage *usage;
    uint64_t value;
};

static int row_compare(const void *left, const void *right)
{
    const struct usage_row *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return (a->usage->site > b->usage->site) - (a->usage->site < b->usage->site);
}

static const struct figures *figures_of(const struct text *text, const struct snapshot_usage *usage)
{
    return &text->snapshot->sites[usage->site].figures;
}

static int section_rows(struct text *text, const struct usage_section *section,
                        const struct usage_row *rows, size_t count, uint64_t whole)
{
    size_t shown = text_top(text, count, true);
    int error = 0;
    text_title(text, section->title);
    if (shown < count)
        fprintf(text->out, "the first %s of ", amount_count(shown).text);
    fprintf(text->out, "%s\n", amount_noun(count, "call site").text);
    for (size_t i = 0; i < shown && error == 0; i++) {
        error = text_load(text, rows[i].usage->site);
        if (error != 0)
            break;
        fprintf(text->out, "  [%" PRIu32 "] %s", ++text->number,
                text_style(text, TERMINAL_HEADING));
        section->row(text, rows[i].usage, rows[i].value, whole);
        text_stack_once(text, rows[i].usage->site);
    }
    return error;
}

static int section_print(struct text *text, const struct usage_section *section)
{
    const struct snapshot *snapshot = text->snapshot;
    struct usage_row *rows = calloc((size_t)snapshot->usage_count + 1, sizeof rows[0]);
    size_t count = 0;
    uint64_t whole = 0;
    int error = 0;
    if (rows == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < snapshot->usage_count; i++) {
        const struct snapshot_usage *usage = &snapshot->usages[i];
        uint64_t value = section->value(snapshot, usage);
        if (value == 0 || snapshot->sites[usage->site].domain != MTF_DOMAIN_HEAP)
            continue;
        rows[count++] = (struct usage_row){usage, value};
        whole += value;
    }
    qsort(rows, count, sizeof rows[0], row_compare);
    if (count > 0)
        error = section_rows(text, section, rows, count, whole);
    free(rows);
    return error;
}

/* ---- the sections ---- */

static uint64_t slack_value(const struct snapshot *snapshot, const struct snapshot_usage *usage)
{
    return figures_less(usage->usable_bytes, snapshot->sites[usage->site].figures.live_bytes);
}

static void slack_row(struct text *text, const struct snapshot_usage *usage, uint64_t value,
                      uint64_t whole)
{
    const struct figures *figures = figures_of(text, usage);
    fprintf(text->out, "%s of slack%s in %s of %s, %s of all slack\n", amount_bytes(value).text,
            text_style(text, TERMINAL_PLAIN), amount_noun(figures->live_blocks, "block").text,
            amount_short(figures->live_bytes).text, amount_share(value, whole).text);
}

int usage_text_slack(struct text *text)
{
    static const struct usage_section section = {
        "Slack, what the allocator adds to what is still allocated", slack_value, slack_row};
    return section_print(text, &section);
}

static uint64_t moved_value(const struct snapshot *snapshot, const struct snapshot_usage *usage)
{
    (void)snapshot;
    return usage->moved_bytes;
}

static void moved_row(struct text *text, const struct snapshot_usage *usage, uint64_t value,
                      uint64_t whole)
{
    fprintf(text->out, "%s copied%s, %s of all; %s\n", amount_bytes(value).text,
            text_style(text, TERMINAL_PLAIN), amount_share(value, whole).text,
            amount_noun(figures_of(text, usage)->reallocs, "realloc").text);
}

int usage_text_moved(struct text *text)
{
    static const struct usage_section section = {"Moved by realloc", moved_value, moved_row};
    return section_print(text, &section);
}

static uint64_t elsewhere_value(const struct snapshot *snapshot, const struct snapshot_usage *usage)
{
    (void)snapshot;
    return usage->other_thread;
}

static void elsewhere_row(struct text *text, const struct snapshot_usage *usage, uint64_t value,
                          uint64_t whole)
{
    fprintf(text->out, "%s%s of %s freed by another thread, %s of all such\n",
            amount_noun(value, "block").text, text_style(text, TERMINAL_PLAIN),
            amount_count(figures_of(text, usage)->frees).text, amount_share(value, whole).text);
}

int usage_text_elsewhere(struct text *text)
{
    static const struct usage_section section = {"Freed by another thread", elsewhere_value,
                                                 elsewhere_row};
    return section_print(text, &section);
}

static uint64_t alignment_value(const struct snapshot *snapshot, const struct snapshot_usage *usage)
{
    (void)snapshot;
    return usage->alignment;
}

static void alignment_row(struct text *text, const struct snapshot_usage *usage, uint64_t value,
                          uint64_t whole)
{
    const struct figures *figures = figures_of(text, usage);
    (void)whole;
    fprintf(text->out, "aligned to %s%s: %s in %s\n", amount_noun(value, "byte").text,
            text_style(text, TERMINAL_PLAIN), amount_bytes(figures->alloc_bytes).text,
            amount_noun(figures->allocs, "call").text);
}

int usage_text_alignment(struct text *text)
{
    static const struct usage_section section = {"Alignment asked for", alignment_value,
                                                 alignment_row};
    return section_print(text, &section);
}
