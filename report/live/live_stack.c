#include "live/live_stack.h"
#include "amount.h"
#include "frame_text.h"
#include "live/live_list.h"
#include "live/live_screen.h"

#include <stdio.h>
#include <string.h>

/* Lines of figures above the stack. */
#define STACK_FIGURES 4

static void stack_live(const struct live_view *view, const struct live_row *row, int at)
{
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    const char *things = view->domain == MTF_DOMAIN_MAPPINGS ? "mapping" : "block";
    fprintf(line.out, "%s in %s, %s since the mark", amount_bytes(row->live_bytes).text,
            amount_noun(row->live_blocks, things).text, live_growth(row->growth_bytes).text);
    live_line_put(&line, at, LIVE_LABEL, 0, LIVE_PLAIN);
    live_screen_put(at, 0, LIVE_LABEL, LIVE_FAINT, "live");
}

static void stack_total(const struct figures *figures, int at)
{
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%s in %s, largest %s, %s temporary", amount_bytes(figures->alloc_bytes).text,
            amount_noun(figures->allocs, "call").text, amount_short(figures->largest).text,
            amount_count(figures->temporary).text);
    live_line_put(&line, at, LIVE_LABEL, 0, LIVE_PLAIN);
    live_screen_put(at, 0, LIVE_LABEL, LIVE_FAINT, "total");
}

static void stack_rate(const struct live_row *row, int at)
{
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%s/s allocated in %s/s, %s/s", amount_short(row->rate_bytes).text,
            amount_noun(row->rate_calls, "call").text, amount_noun(row->rate_frees, "free").text);
    live_line_put(&line, at, LIVE_LABEL, 0, LIVE_PLAIN);
    live_screen_put(at, 0, LIVE_LABEL, LIVE_FAINT, "rate");
}

static void stack_frame(const struct live_view *view, const struct frame *frame, int at)
{
    const struct frame_text_options options = {.full = view->full,
                                               .folder = view->snapshot->folder.bytes};
    const struct frame_text text = frame_text_of(view->snapshot, frame);
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    frame_text_put(line.out, &text, &options);
    fflush(line.out);
    if (line.size > 0)
        line.text[line.size - 1] = '\0'; /* its newline */
    live_line_put(&line, at, 0, 0, LIVE_PLAIN);
}

static void stack_frames(struct live_view *view, const struct frame_stack *stack, int at,
                         size_t room)
{
    size_t visible = view->full ? stack->count : stack->count - stack->folded;
    size_t seen = 0;
    if (view->scroll + room > visible)
        view->scroll = visible > room ? visible - room : 0;
    for (size_t i = 0; i < stack->count; i++) {
        if (!view->full && frame_stack_hides(stack, &stack->frames[i]))
            continue;
        if (seen >= view->scroll && seen - view->scroll < room)
            stack_frame(view, &stack->frames[i], at + (int)(seen - view->scroll));
        seen++;
    }
    if (stack->count == 0)
        live_screen_put(at, 2, 0, LIVE_FAINT, "unknown call site");
}

void live_stack_draw(struct live_view *view, int row, int room)
{
    const struct live_row *live = &view->model.rows[view->selected];
    const struct snapshot_site *site = &view->snapshot->sites[view->selected];
    struct frame_stack stack = {0};
    live_screen_put(row, 0, 0, LIVE_TITLE, " call site");
    stack_live(view, live, row + 1);
    stack_total(&site->figures, row + 2);
    stack_rate(live, row + 3);
    if (frames_stack(view->frames, site->node, &stack) == 0)
        stack_frames(view, &stack, row + 1 + STACK_FIGURES,
                     room > STACK_FIGURES ? (size_t)(room - STACK_FIGURES) : 1);
    frame_stack_free(&stack);
}
