/*
 * Keeps       what the live view is at: the report it reads, its figures, and what the user looks at.
 * Invariant   snapshot, frames, model and order belong to the same moment; `selected` is a site of it.
 * Threads     one thread.
 * Memory      two snapshots at most, while one takes the other's place.
 * On failure  as each function says; what was there before stays.
 */
#ifndef MEMTRACK_REPORT_LIVE_VIEW_H
#define MEMTRACK_REPORT_LIVE_VIEW_H

#include "frames.h"
#include "live/live_model.h"
#include "snapshot.h"
#include "symbolize.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many moments the curve of live bytes goes back. */
#define LIVE_HISTORY 512

struct live_view {
    char *path;
    int pid; /* of the process that was asked for; 0: a file was */
    struct snapshot *snapshot;
    struct frames *frames;
    struct symbolizer *symbolizer;
    struct live_model model;
    const struct live_row **order; /* what is listed, first row first */
    size_t order_count;
    uint64_t history[LIVE_HISTORY]; /* live bytes of the heap, a ring */
    size_t history_count;
    uint64_t marked_ns; /* CLOCK_MONOTONIC */
    bool marked;        /* by the user; before that the first look is the mark */

    enum live_key key;
    enum mtf_domain domain;
    bool full; /* fold no frames */
    bool paused;
    bool help;
    bool stack;        /* of the selected site, instead of the list */
    bool holds;        /* the user has chosen a row: the cursor stays with its site */
    uint32_t selected; /* site */
    size_t cursor;     /* the selected site's place in `order` */
    size_t first;      /* row at the top of the screen */
    size_t scroll;     /* lines of the stack above the screen */
    char message[SNAPSHOT_MESSAGE_SIZE]; /* what keeps the figures from being fresh; "": nothing */
};

/* The time by CLOCK_MONOTONIC, in nanoseconds. */
uint64_t live_now(void);
/* Reads the report anew. Returns 0, or -errno with view->message. */
int live_view_load(struct live_view *view);
/* Goes over to the report of another process image, and begins anew. */
void live_view_change(struct live_view *view, char *path);
/* After another key, domain or mark. */
void live_view_sort(struct live_view *view);
/* Moves the cursor by so many rows. */
void live_view_move(struct live_view *view, long rows);
void live_view_mark(struct live_view *view);
/* Frees all of it but the symbolizer. */
void live_view_free(struct live_view *view);

#endif
