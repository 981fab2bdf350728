#include "live/live_view.h"
#include "process_alive.h"
#include "symbol_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t live_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void view_drop(struct live_view *view)
{
    frames_close(view->frames);
    snapshot_free(view->snapshot);
    view->frames = NULL;
    view->snapshot = NULL;
}

/* The cursor stays with its site while the rows move; until the user moves it, it is on the first. */
static void view_follow(struct live_view *view)
{
    if (view->selected >= view->snapshot->site_count)
        view->holds = view->stack = false;
    if (view->order_count == 0 && !view->stack) {
        view->cursor = 0;
        return;
    }
    for (size_t i = 0; (view->holds || view->stack) && i < view->order_count; i++) {
        if (view->order[i]->site == view->selected) {
            view->cursor = i;
            return;
        }
    }
    if (view->stack)
        return; /* what it shows has nothing of the key at the moment */
    if (!view->holds)
        view->cursor = 0;
    else if (view->cursor >= view->order_count)
        view->cursor = view->order_count - 1;
    view->selected = view->order[view->cursor]->site;
}

void live_view_sort(struct live_view *view)
{
    view->order_count =
        live_order(&view->model, view->snapshot, view->key, view->domain, view->order);
    view_follow(view);
}

/* The model of a fresh snapshot; on failure nothing has changed. */
static int view_take(struct live_view *view, struct snapshot *snapshot, uint64_t now_ns)
{
    const struct frame_source source = symbol_source(view->symbolizer);
    const struct live_row **order = calloc(snapshot->site_count + 1, sizeof(void *));
    struct frames *frames = frames_open(snapshot, &source);
    if (order == NULL || frames == NULL || live_update(&view->model, snapshot, now_ns) != 0) {
        free(order);
        frames_close(frames);
        return -ENOMEM;
    }
    view_drop(view);
    free(view->order);
    view->order = order;
    view->frames = frames;
    view->snapshot = snapshot;
    return 0;
}

int live_view_load(struct live_view *view)
{
    struct snapshot *snapshot;
    uint64_t now_ns = live_now();
    int error = snapshot_load(view->path, &snapshot, view->message, sizeof view->message);
    if (error != 0)
        return error;
    /* The report knows the process by the id that it has in its own namespace. */
    if (view->pid != 0 && snapshot->state == SNAPSHOT_KILLED &&
        process_alive(view->pid, snapshot->pid_start))
        snapshot->state = SNAPSHOT_RUNNING;
    error = view_take(view, snapshot, now_ns);
    if (error != 0) {
        snprintf(view->message, sizeof view->message, "out of memory");
        snapshot_free(snapshot);
        return error;
    }
    view->message[0] = '\0';
    if (view->marked_ns == 0)
        view->marked_ns = now_ns;
    view->history[view->history_count++ % LIVE_HISTORY] =
        view->model.sums[MTF_DOMAIN_HEAP].live_bytes;
    live_view_sort(view);
    return 0;
}

void live_view_change(struct live_view *view, char *path)
{
    view_drop(view);
    live_free(&view->model);
    free(view->path);
    view->path = path;
    view->order_count = 0;
    view->history_count = 0;
    view->marked_ns = 0;
    view->marked = false;
    view->holds = view->stack = false;
    view->cursor = view->first = view->scroll = 0;
}

void live_view_move(struct live_view *view, long rows)
{
    if (view->order_count == 0)
        return;
    size_t last = view->order_count - 1;
    if (rows < 0)
        view->cursor -= (size_t)-rows < view->cursor ? (size_t)-rows : view->cursor;
    else
        view->cursor = (size_t)rows < last - view->cursor ? view->cursor + (size_t)rows : last;
    view->holds = view->cursor > 0;
    view->selected = view->order[view->cursor]->site;
}

void live_view_mark(struct live_view *view)
{
    if (live_mark(&view->model) == 0) {
        view->marked_ns = view->model.now.at_ns;
        view->marked = true;
    }
    live_view_sort(view);
}

void live_view_free(struct live_view *view)
{
    view_drop(view);
    live_free(&view->model);
    free(view->order);
    free(view->path);
    view->order = NULL;
    view->path = NULL;
}
