#include "live/live_list.h"
#include "frame_text.h"

#include <stdlib.h>
#include <string.h>

/* Where each column ends, and the call site begins. */
enum {
    LIST_LIVE = 11,
    LIST_BLOCKS = 22,
    LIST_GROWTH = 34,
    LIST_RATE = 48,
    LIST_CALLS = 59,
    LIST_SITE = 61
};

static const char *const list_orders[LIVE_KEY_LIMIT] = {
    [LIVE_BYTES] = "live bytes",    [LIVE_BLOCKS] = "live blocks",   [LIVE_GROWTH] = "growth",
    [LIVE_RATE] = "bytes a second", [LIVE_CALLS] = "calls a second",
};

static const char *const list_domains[MTF_DOMAIN_LIMIT] = {
    [MTF_DOMAIN_HEAP] = "heap",
    [MTF_DOMAIN_MAPPINGS] = "mappings",
    [MTF_DOMAIN_POOLS] = "pools",
};

bool live_line_begin(struct live_line *line)
{
    *line = (struct live_line){0};
    line->out = open_memstream(&line->text, &line->size);
    return line->out != NULL;
}

void live_line_put(struct live_line *line, int row, int column, int width, enum live_style style)
{
    if (fclose(line->out) == 0)
        live_screen_put(row, column, width, style, line->text);
    free(line->text);
}

struct amount live_growth(int64_t bytes)
{
    struct amount amount = {"0 B"}, size;
    uint64_t distance = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    if (bytes == 0)
        return amount;
    size = amount_short(distance);
    snprintf(amount.text, sizeof amount.text, "%c%.60s", bytes < 0 ? '-' : '+', size.text);
    return amount;
}

static void list_frame(FILE *out, const struct live_view *view, const struct frame *frame)
{
    struct frame_text text = frame_text_of(view->snapshot, frame);
    if (text.function != NULL)
        frame_text_function(out, text.function, view->full);
    else
        frame_text_address(out, text.module, text.offset);
    if (text.file == NULL)
        return;
    const char *slash = strrchr(text.file, '/');
    fprintf(out, " %s", slash != NULL ? slash + 1 : text.file);
    if (text.line > 0)
        fprintf(out, ":%u", text.line);
}

/* The innermost frames first, as many as the line holds. */
static void list_site(FILE *out, const struct live_view *view, uint32_t site)
{
    struct frame_stack stack = {0};
    const char *between = "";
    if (frames_stack(view->frames, view->snapshot->sites[site].node, &stack) == 0) {
        for (size_t i = 0; i < stack.count && ftell(out) < live_screen_columns(); i++) {
            if (!view->full && frame_stack_hides(&stack, &stack.frames[i]))
                continue;
            fputs(between, out);
            list_frame(out, view, &stack.frames[i]);
            between = " < ";
        }
    }
    if (stack.count == 0)
        fputs("unknown call site", out);
    frame_stack_free(&stack);
}

static void list_row(const struct live_view *view, const struct live_row *row, int at,
                     bool selected)
{
    enum live_style style = selected ? LIVE_SELECTED : LIVE_PLAIN;
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%*s%*s%*s%*s/s%*s  ", LIST_LIVE, amount_short(row->live_bytes).text,
            LIST_BLOCKS - LIST_LIVE, amount_count(row->live_blocks).text, LIST_GROWTH - LIST_BLOCKS,
            live_growth(row->growth_bytes).text, LIST_RATE - LIST_GROWTH - 2,
            amount_short(row->rate_bytes).text, LIST_CALLS - LIST_RATE,
            amount_count(row->rate_calls).text);
    list_site(line.out, view, row->site);
    live_line_put(&line, at, 0, 0, style);
}

static void list_head(const struct live_view *view, int at)
{
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%*s%*s%*s%*s%*s  call sites of %s by %s", LIST_LIVE, "live",
            LIST_BLOCKS - LIST_LIVE, "blocks", LIST_GROWTH - LIST_BLOCKS, "growth",
            LIST_RATE - LIST_GROWTH, "bytes/s", LIST_CALLS - LIST_RATE, "calls/s",
            list_domains[view->domain], list_orders[view->key]);
    if (view->order_count > 0)
        fprintf(line.out, ", %s of %s", amount_count(view->cursor + 1).text,
                amount_count(view->order_count).text);
    live_line_put(&line, at, 0, 0, LIVE_TITLE);
}

/* The cursor is always to be seen. */
static void list_scroll(struct live_view *view, size_t room)
{
    if (view->first > view->cursor)
        view->first = view->cursor;
    if (view->cursor - view->first >= room)
        view->first = view->cursor - room + 1;
    if (view->first + room > view->order_count)
        view->first = view->order_count > room ? view->order_count - room : 0;
}

void live_list_draw(struct live_view *view, int row, int room)
{
    list_head(view, row);
    list_scroll(view, (size_t)room);
    for (size_t i = 0; i < (size_t)room && view->first + i < view->order_count; i++)
        list_row(view, view->order[view->first + i], row + 1 + (int)i,
                 view->first + i == view->cursor);
    if (view->order_count == 0)
        live_screen_put(row + 1, 2, 0, LIVE_FAINT,
                        view->key == LIVE_GROWTH ? "nothing has changed since the mark"
                                                 : "nothing at the moment");
}
