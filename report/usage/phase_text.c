#include "phase_text.h"
#include "amount.h"
#include "phase_group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static void phase_name(struct text *text, const struct phase_group *group)
{
    fputs(text_style(text, TERMINAL_HEADING), text->out);
    if (group->name.length > 0)
        terminal_put(text->out, group->name.bytes, group->name.length);
    else
        fputs(PHASE_UNNAMED, text->out);
    fputs(text_style(text, TERMINAL_PLAIN), text->out);
    if (group->count > 1)
        fprintf(text->out, ", %s", amount_noun(group->count, "time").text);
}

/* By how much the phase changed what is live. */
static void phase_growth(struct text *text, const struct phase_group *group)
{
    const struct figures *figures = &group->figures;
    bool grew = figures->alloc_bytes >= figures->freed_bytes;
    fprintf(text->out, "%c%s", grew ? '+' : '-',
            amount_short(grew ? figures->alloc_bytes - figures->freed_bytes
                              : figures->freed_bytes - figures->alloc_bytes)
                .text);
}

static void phase_row(struct text *text, const struct phase_group *group, uint32_t number)
{
    const struct figures *figures = &group->figures;
    fprintf(text->out, "  #%" PRIu32 " ", number);
    phase_name(text, group);
    fprintf(text->out, "\n      from %s, took %s; heap ", amount_moment(group->at_ns).text,
            amount_moment(group->elapsed_ns).text);
    phase_growth(text, group);
    fprintf(text->out, " to %s, at most %s\n", amount_short(figures->live_bytes).text,
            amount_short(figures->peak_bytes).text);
    fprintf(text->out, "      %s in %s, %s temporary; freed %s in %s\n",
            amount_short(figures->alloc_bytes).text,
            amount_noun(figures->allocs, "allocation").text, amount_count(figures->temporary).text,
            amount_short(figures->freed_bytes).text, amount_noun(figures->frees, "call").text);
}

static int phase_compare(const void *left, const void *right)
{
    const struct phase_group *a = *(const struct phase_group *const *)left;
    const struct phase_group *b = *(const struct phase_group *const *)right;
    if (a->figures.alloc_bytes != b->figures.alloc_bytes)
        return a->figures.alloc_bytes > b->figures.alloc_bytes ? -1 : 1;
    return (a > b) - (a < b);
}

/* In order of time; where not all are shown, those with most bytes. */
static int phase_rows(struct text *text, const struct phase_groups *groups, size_t shown)
{
    const struct phase_group **order = calloc((size_t)groups->count + 1, sizeof(void *));
    if (order == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < groups->count; i++)
        order[i] = &groups->groups[i];
    if (shown < groups->count)
        qsort(order, groups->count, sizeof(void *), phase_compare);
    for (size_t i = 0; i < shown; i++)
        phase_row(text, order[i], (uint32_t)(order[i] - groups->groups));
    free(order);
    return 0;
}

int phase_text_print(struct text *text)
{
    struct phase_groups groups;
    if (text->snapshot->phase_count < 2 || text->snapshot->is_cut)
        return 0;
    int error = phase_groups_build(&groups, text->snapshot);
    if (error != 0)
        return error;
    size_t shown = text_top(text, groups.count, false);
    text_title(text, "Phases");
    if (shown < groups.count)
        fprintf(text->out, "the %s with most bytes of ", amount_count(shown).text);
    fprintf(text->out, "%s; --phase NAME cuts all tables to one\n",
            amount_count(groups.count).text);
    error = phase_rows(text, &groups, shown);
    phase_groups_free(&groups);
    return error;
}
