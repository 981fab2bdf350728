#include "timeline_text.h"
#include "amount.h"
#include "bar_text.h"

#define TIMELINE_ROWS 16

/* Some points on end. */
struct timeline_row {
    uint64_t at_ns; /* of the last */
    uint64_t heap;  /* likewise */
    uint64_t most;
    uint64_t mapped;
    uint64_t resident;
    uint32_t points;
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void row_add(struct timeline_row *row, const struct snapshot_point *point)
{
    row->at_ns = point->at_ns;
    row->heap = point->heap_bytes;
    row->most = larger(row->most, larger(point->heap_peak_bytes, point->heap_bytes));
    row->mapped = larger(row->mapped, point->mapped_bytes);
    row->resident = larger(row->resident, point->resident);
    row->points++;
}

static void rows_fill(const struct snapshot *snapshot, struct timeline_row rows[TIMELINE_ROWS])
{
    const struct snapshot_point *points = snapshot->points;
    uint64_t first = points[0].at_ns;
    uint64_t span = points[snapshot->point_count - 1].at_ns - first + 1;
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        double part = (double)(points[i].at_ns - first) / (double)span;
        unsigned row = (unsigned)(part * TIMELINE_ROWS);
        row_add(&rows[row < TIMELINE_ROWS ? row : TIMELINE_ROWS - 1], &points[i]);
    }
}

/* What the table shows besides the heap: what was there at all. */
struct timeline_shown {
    uint64_t most;
    uint64_t mapped;
    uint64_t resident;
};

static void row_print(struct text *text, const struct timeline_row *row,
                      const struct timeline_shown *shown)
{
    fprintf(text->out, "  %9s %10s %10s", amount_moment(row->at_ns).text,
            amount_short(row->heap).text, amount_short(row->most).text);
    if (shown->mapped > 0)
        fprintf(text->out, " %10s", amount_short(row->mapped).text);
    if (shown->resident > 0)
        fprintf(text->out, " %10s", amount_short(row->resident).text);
    bar_text_put(text, row->most, shown->most);
}

int timeline_text_print(struct text *text)
{
    const struct snapshot *snapshot = text->snapshot;
    struct timeline_row rows[TIMELINE_ROWS] = {{0}};
    struct timeline_shown shown = {0};
    if (snapshot->point_count < 2)
        return 0;
    rows_fill(snapshot, rows);
    for (unsigned i = 0; i < TIMELINE_ROWS; i++) {
        shown.most = larger(shown.most, rows[i].most);
        shown.mapped = larger(shown.mapped, rows[i].mapped);
        shown.resident = larger(shown.resident, rows[i].resident);
    }
    text_title(text, "Timeline");
    fprintf(text->out, "%s\n  %9s %10s %10s%s%s\n",
            amount_noun(snapshot->point_count, "point").text, "until", "live heap", "most heap",
            shown.mapped > 0 ? "     mapped" : "", shown.resident > 0 ? "   resident" : "");
    for (unsigned i = 0; i < TIMELINE_ROWS; i++) {
        if (rows[i].points > 0)
            row_print(text, &rows[i], &shown);
    }
    return 0;
}
