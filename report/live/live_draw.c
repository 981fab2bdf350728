#include "live/live_draw.h"
#include "amount.h"
#include "live/live_list.h"
#include "live/live_screen.h"
#include "live/live_stack.h"
#include "summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Lines above and below the list. */
#define DRAW_HEAD 7
#define DRAW_FOOT 1

int live_draw_room(void)
{
    int room = live_screen_rows() - DRAW_HEAD - DRAW_FOOT;
    return room > 1 ? room : 1;
}

static void draw_label(int row, const char *label, struct live_line *line)
{
    live_screen_put(row, 0, LIVE_LABEL, LIVE_FAINT, label);
    live_line_put(line, row, LIVE_LABEL, 0, LIVE_PLAIN);
}

/* Since its start; by the clock where the process still runs. */
static uint64_t draw_elapsed(const struct snapshot *snapshot)
{
    struct timespec now;
    if (snapshot->state != SNAPSHOT_RUNNING)
        return snapshot->elapsed_ns;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t elapsed = now.tv_sec * INT64_C(1000000000) + now.tv_nsec - snapshot->start_time_ns;
    return elapsed > 0 ? (uint64_t)elapsed : 0;
}

static void draw_title(const struct live_view *view)
{
    const struct snapshot *snapshot = view->snapshot;
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fputc(' ', line.out);
    summary_name(line.out, snapshot);
    fprintf(line.out, " (process %d), ", view->pid != 0 ? view->pid : snapshot->pid);
    if (snapshot->state == SNAPSHOT_RUNNING)
        fprintf(line.out, "running for %s", amount_duration(draw_elapsed(snapshot)).text);
    else
        summary_state(line.out, snapshot);
    live_line_put(&line, 0, 0, 0, LIVE_TITLE);
    if (view->paused)
        live_screen_put(0, live_screen_columns() - 10, 10, LIVE_TITLE, " [paused] ");
}

/* Resident pages, from the second word of statm; 0 where the process is gone. */
static uint64_t draw_resident(const struct live_view *view)
{
    char path[64];
    uint64_t pages = 0;
    if (view->snapshot->state != SNAPSHOT_RUNNING)
        return view->snapshot->memory.resident;
    snprintf(path, sizeof path, "/proc/%d/statm", view->pid != 0 ? view->pid : view->snapshot->pid);
    FILE *statm = fopen(path, "re");
    if (statm == NULL)
        return 0;
    if (fscanf(statm, "%*s %" SCNu64, &pages) != 1)
        pages = 0;
    fclose(statm);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void draw_heap(const struct live_view *view, int row)
{
    const struct live_row *heap = &view->model.sums[MTF_DOMAIN_HEAP];
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    uint64_t now = view->model.now.at_ns;
    uint64_t since = now > view->marked_ns ? now - view->marked_ns : 0;
    fprintf(line.out, "%s in %s, %s since %s %s ago", amount_bytes(heap->live_bytes).text,
            amount_noun(heap->live_blocks, "block").text, live_growth(heap->growth_bytes).text,
            view->marked ? "the mark" : "the view began", amount_duration(since).text);
    draw_label(row, "heap", &line);
}

static void draw_peak(const struct live_view *view, int row)
{
    const struct figures *totals = &view->snapshot->totals;
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%s in %s", amount_bytes(totals->peak_bytes).text,
            amount_noun(totals->peak_blocks, "block").text);
    draw_label(row, "peak", &line);
}

static void draw_rate(const struct live_view *view, int row)
{
    const struct live_row *heap = &view->model.sums[MTF_DOMAIN_HEAP];
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%s/s allocated in %s/s, %s/s", amount_short(heap->rate_bytes).text,
            amount_noun(heap->rate_calls, "call").text, amount_noun(heap->rate_frees, "free").text);
    draw_label(row, "rate", &line);
}

static void draw_mapped(const struct live_view *view, int row)
{
    const struct live_row *mapped = &view->model.sums[MTF_DOMAIN_MAPPINGS];
    uint64_t resident = draw_resident(view);
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    fprintf(line.out, "%s in %s", amount_bytes(mapped->live_bytes).text,
            amount_noun(mapped->live_blocks, "mapping").text);
    if (resident > 0)
        fprintf(line.out, "; resident %s", amount_short(resident).text);
    draw_label(row, "mapped", &line);
}

/* Live bytes so far, the newest at the right, as heights. */
static void draw_curve(const struct live_view *view, int row)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {"_", ".", ",", "-", "=", "+", "*", "#"};
    const char *const *heights = MB_CUR_MAX > 1 ? blocks : plain;
    size_t width =
        live_screen_columns() > LIVE_LABEL ? (size_t)live_screen_columns() - LIVE_LABEL : 0;
    size_t kept = view->history_count < LIVE_HISTORY ? view->history_count : LIVE_HISTORY;
    size_t shown = width < kept ? width : kept;
    uint64_t most = 1;
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    for (size_t i = view->history_count - shown; i < view->history_count; i++)
        most = view->history[i % LIVE_HISTORY] > most ? view->history[i % LIVE_HISTORY] : most;
    for (size_t i = view->history_count - shown; i < view->history_count; i++)
        fputs(heights[(size_t)((double)view->history[i % LIVE_HISTORY] / (double)most * 7)],
              line.out);
    draw_label(row, "history", &line);
}

/* What makes the figures less than the whole truth takes the curve's place. */
static void draw_trouble(const struct live_view *view, int row)
{
    struct live_line line;
    if (!live_line_begin(&line))
        return;
    if (view->message[0] != '\0')
        fprintf(line.out, "not up to date: %s", view->message);
    else if (view->snapshot->own_malloc && view->snapshot->totals.allocs == 0)
        fputs("nothing is tracked: the program brings its own malloc", line.out);
    else
        fprintf(line.out, "%s missed", amount_noun(snapshot_lost(view->snapshot), "event").text);
    live_screen_put(row, 0, LIVE_LABEL, LIVE_FAINT, "warning");
    live_line_put(&line, row, LIVE_LABEL, 0, LIVE_BAD);
}

static bool has_trouble(const struct live_view *view)
{
    return view->message[0] != '\0' || snapshot_lost(view->snapshot) > 0 ||
           (view->snapshot->own_malloc && view->snapshot->totals.allocs == 0);
}

static void draw_keys(const struct live_view *view)
{
    const char *keys =
        " q quit  p pause  m mark  Enter stack  l live  b blocks  g growth  r rate  c calls  "
        "d heap/mappings  f full  ? help";
    if (view->help || view->stack)
        keys = " Escape back  q quit  p pause  m mark  f full";
    live_screen_put(live_screen_rows() - 1, 0, 0, LIVE_TITLE, keys);
}

static void draw_help(void)
{
    static const char *const lines[] = {
        "Up Down Page Home End   move; away from the first row the cursor stays with its site",
        "Enter, Escape           open the call stack under the cursor, go back",
        "l                       order by live bytes",
        "b                       order by live blocks",
        "g                       order by growth of live bytes since the mark",
        "r, c                    order by bytes or by calls allocated in a second",
        "m                       set the mark: growth counts from now on",
        "p, Space                pause; go on",
        "d                       call sites of the heap, of mappings, of the program's own pools",
        "f                       show library frames that are folded otherwise; fold them",
        "+ -                     read less or more often",
        "q                       quit; the process goes on",
    };
    for (int i = 0; i < (int)(sizeof lines / sizeof lines[0]) && i < live_draw_room(); i++)
        live_screen_put(DRAW_HEAD + i, 2, 0, LIVE_PLAIN, lines[i]);
}

void live_draw(struct live_view *view)
{
    live_screen_begin();
    draw_title(view);
    draw_heap(view, 1);
    draw_peak(view, 2);
    draw_rate(view, 3);
    draw_mapped(view, 4);
    if (has_trouble(view))
        draw_trouble(view, 5);
    else
        draw_curve(view, 5);
    if (view->help)
        draw_help();
    else if (view->stack)
        live_stack_draw(view, DRAW_HEAD - 1, live_draw_room());
    else
        live_list_draw(view, DRAW_HEAD - 1, live_draw_room());
    draw_keys(view);
    live_screen_show();
}
