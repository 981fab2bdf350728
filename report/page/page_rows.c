/*
 * The tables of call sites and of leaks, with their stacks as a tree of lines. Sites of two reports are
 * one row where their stacks have the same functions; within one report, where they have the same lines.
 */
#include "calltree.h"
#include "page_part.h"
#include "progress.h"
#include "usage/lifetime_sum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows are listed while there are less than so many, and so many lines in their stacks. */
#define ROWS_MAX 6000
#define ROW_LINES_MAX 150000
/* Call sites of mappings. */
#define MAP_SITES_MAX 1000
/* Loss records of each report, the worst first. */
#define LOSSES_MAX 2000

struct row_site {
    uint32_t leaf;
    uint32_t report;
    uint32_t site;
};

struct row {
    uint32_t first; /* of its sites */
    uint32_t count;
    uint64_t values[PAGE_WIDTH_MAX];
};

struct rows {
    struct page_writer *writer;
    struct functions *functions;
    struct calltree *lines; /* paths of all sites; its values are not used */
    struct row_site *sites;
    uint32_t site_count;
    uint32_t *leaves[PAGE_REPORTS_MAX]; /* by site; 0: none */
    struct row *rows;
    uint32_t row_count;
    bool *listed;      /* by row */
    uint32_t *numbers; /* by node of `lines`: its number in the page, 0: not written */
    uint32_t line_count;
};

static int rows_reserve(struct rows *rows)
{
    const struct page *page = rows->writer->page;
    size_t all = 1;
    for (unsigned report = 0; report < page->count; report++) {
        all += page->snapshots[report]->site_count;
        rows->leaves[report] =
            calloc(page->snapshots[report]->site_count, sizeof rows->leaves[0][0]);
        if (rows->leaves[report] == NULL)
            return -ENOMEM;
    }
    rows->sites = calloc(all, sizeof rows->sites[0]);
    rows->rows = calloc(all, sizeof rows->rows[0]);
    rows->listed = calloc(all, sizeof rows->listed[0]);
    return rows->sites != NULL && rows->rows != NULL && rows->listed != NULL ? 0 : -ENOMEM;
}

static int rows_read(struct rows *rows, unsigned report)
{
    static const uint64_t nothing[PAGE_WIDTH_MAX];
    const struct snapshot *snapshot = rows->writer->page->snapshots[report];
    struct stacks stacks;
    int error = page_stacks_open(rows->writer->page, report, rows->functions, &stacks);
    for (uint32_t site = 0; site < snapshot->site_count && error == 0; site++) {
        uint32_t *leaf = &rows->leaves[report][site];
        if (snapshot->sites[site].figures.allocs == 0)
            continue;
        progress_step("reading stacks", site);
        error = stacks_read(&stacks, site);
        if (error == 0)
            error =
                calltree_add(rows->lines, CALLTREE_DOWN, stacks.path, stacks.count, nothing, leaf);
        if (error == 0 && snapshot->sites[site].domain == MTF_DOMAIN_HEAP)
            rows->sites[rows->site_count++] = (struct row_site){*leaf, report, site};
    }
    page_stacks_close(&stacks);
    return error;
}

static int row_site_compare(const void *left, const void *right)
{
    const struct row_site *a = left, *b = right;
    if (a->leaf != b->leaf)
        return a->leaf < b->leaf ? -1 : 1;
    if (a->report != b->report)
        return a->report < b->report ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

static void rows_group(struct rows *rows)
{
    qsort(rows->sites, rows->site_count, sizeof rows->sites[0], row_site_compare);
    for (uint32_t i = 0; i < rows->site_count; i++) {
        const struct row_site *site = &rows->sites[i];
        uint64_t values[PAGE_WIDTH_MAX];
        if (i == 0 || site->leaf != rows->sites[i - 1].leaf)
            rows->rows[rows->row_count++].first = i;
        struct row *row = &rows->rows[rows->row_count - 1];
        page_site_columns(rows->writer, site->report, site->site, values);
        page_columns_add(row->values, values);
        row->count++;
    }
}

/* Marks the lines of a stack as written. */
static void lines_mark(struct rows *rows, uint32_t leaf)
{
    for (uint32_t node = leaf; node != 0 && rows->numbers[node] == 0;
         node = calltree_node(rows->lines, node)->parent) {
        rows->numbers[node] = 1;
        rows->line_count++;
    }
}

struct row_order {
    const struct row *rows;
    unsigned column;
};

static int row_compare(const void *left, const void *right, void *context)
{
    const struct row_order *order = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t x = order->rows[a].values[order->column], y = order->rows[b].values[order->column];
    if (x != y)
        return x > y ? -1 : 1;
    return (a > b) - (a < b);
}

/* Lists the `share` rows that have most of a column, as long as there is room. */
static void rows_list(struct rows *rows, unsigned column, uint32_t share, uint32_t *order)
{
    struct row_order by = {rows->rows, column};
    qsort_r(order, rows->row_count, sizeof order[0], row_compare, &by);
    for (uint32_t i = 0; i < share && i < rows->row_count; i++) {
        const struct row *row = &rows->rows[order[i]];
        if (row->values[column] == 0 || rows->line_count > ROW_LINES_MAX)
            return;
        rows->listed[order[i]] = true;
        lines_mark(rows, rows->sites[row->first].leaf);
    }
}

static int rows_choose(struct rows *rows)
{
    unsigned width = rows->writer->width;
    uint32_t *order = calloc((size_t)rows->row_count + 1, sizeof order[0]);
    if (order == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < rows->row_count; i++)
        order[i] = i;
    for (uint32_t share = 50; share <= ROWS_MAX / width; share *= 4) {
        for (unsigned column = 0; column < width; column++)
            rows_list(rows, column, share, order);
    }
    free(order);
    return 0;
}

/* "[parent, function]" of each line, callers first; numbers from 1 on, 0 is the root. */
static void put_lines(struct rows *rows, bool *used)
{
    FILE *out = rows->writer->out;
    uint32_t number = 0;
    fputs(",\n\"lines\":[", out);
    for (uint32_t node = 1; node < calltree_count(rows->lines); node++) {
        const struct calltree_node *line = calltree_node(rows->lines, node);
        if (rows->numbers[node] == 0)
            continue;
        rows->numbers[node] = ++number;
        used[line->function] = true;
        fprintf(out, "%s[%" PRIu32 ",%" PRIu32 "]", number > 1 ? ",\n" : "\n",
                rows->numbers[line->parent], line->function);
    }
    fputc(']', out);
}

static int put_line_functions(struct rows *rows, const bool *used)
{
    FILE *out = rows->writer->out;
    int error = 0;
    fputs(",\n\"lineFunctions\":[", out);
    for (uint32_t i = 0; i < functions_count(rows->functions) && error == 0; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        if (used[i])
            error = page_put_function(rows->writer, functions_get(rows->functions, i));
        else
            fputc('0', out);
    }
    fputc(']', out);
    return error;
}

/* What was measured of a row's sites beside their figures. */
struct row_more {
    uint64_t
        values[6]; /* slack, moved bytes, frees by another thread, alignment, largest, reallocs */
    uint64_t bytes[MTF_LIFETIME_STEPS];
    uint64_t time[MTF_LIFETIME_STEPS];
};

static void more_add_lifetime(struct row_more *more, const struct snapshot_lifetime *lifetime)
{
    for (unsigned step = 0; lifetime != NULL && step < MTF_LIFETIME_STEPS; step++) {
        more->bytes[step] += lifetime->bytes[step];
        more->time[step] += lifetime->ns[step];
    }
}

static void more_add(struct row_more *more, const struct snapshot *snapshot, uint32_t site)
{
    const struct figures *figures = &snapshot->sites[site].figures;
    const struct snapshot_usage *usage = snapshot_usage(snapshot, site);
    uint64_t *values = more->values;
    values[4] = figures->largest > values[4] ? figures->largest : values[4];
    values[5] += figures->reallocs;
    more_add_lifetime(more, snapshot_lifetime(snapshot, site));
    if (usage == NULL)
        return;
    values[0] += figures_less(usage->usable_bytes, figures->live_bytes);
    values[1] += usage->moved_bytes;
    values[2] += usage->other_thread;
    values[3] = usage->alignment > values[3] ? usage->alignment : values[3];
}

static void put_steps(struct page_writer *writer, const uint64_t steps[MTF_LIFETIME_STEPS])
{
    fputs(",[", writer->out);
    page_put_number(writer->out, steps[0]);
    page_put_values(writer, steps + 1, MTF_LIFETIME_STEPS - 1);
    fputc(']', writer->out);
}

/* Of the last report. Lifetimes follow where there are any. */
static void put_row_more(struct rows *rows, const struct row *row)
{
    const struct page *page = rows->writer->page;
    struct row_more more;
    memset(&more, 0, sizeof more);
    for (uint32_t i = row->first; i < row->first + row->count; i++) {
        const struct row_site *site = &rows->sites[i];
        if (site->report + 1 == page->count)
            more_add(&more, page->snapshots[site->report], site->site);
    }
    page_put_values(rows->writer, more.values, 6);
    if (lifetime_blocks(more.bytes) > 0) {
        put_steps(rows->writer, more.bytes);
        put_steps(rows->writer, more.time);
    }
}

/* "[line, values..., more...]" */
static void put_rows(struct rows *rows)
{
    FILE *out = rows->writer->out;
    uint32_t written = 0;
    fprintf(out, ",\n\"sites\":{\"all\":%" PRIu32 ",\"rows\":[", rows->row_count);
    for (uint32_t i = 0; i < rows->row_count; i++) {
        const struct row *row = &rows->rows[i];
        if (!rows->listed[i])
            continue;
        fprintf(out, "%s\n[%" PRIu32, written++ > 0 ? "," : "",
                rows->numbers[rows->sites[row->first].leaf]);
        page_put_values(rows->writer, row->values, rows->writer->width);
        put_row_more(rows, row);
        fputc(']', out);
    }
    fputs("]}", out);
}

/* ---- mappings ---- */

static bool is_mapping_site(const struct snapshot_site *site)
{
    return site->domain == MTF_DOMAIN_MAPPINGS && site->figures.allocs > 0;
}

static void mappings_mark(struct rows *rows)
{
    unsigned last = rows->writer->page->count - 1;
    const struct snapshot *snapshot = rows->writer->page->snapshots[last];
    for (uint32_t site = 0, count = 0; site < snapshot->site_count && count < MAP_SITES_MAX;
         site++) {
        if (!is_mapping_site(&snapshot->sites[site]))
            continue;
        lines_mark(rows, rows->leaves[last][site]);
        count++;
    }
}

/* "[line, live, mappings, peak, all bytes, calls, unmapped bytes, file]" of the last report. */
static int put_mapping_sites(struct rows *rows)
{
    FILE *out = rows->writer->out;
    unsigned last = rows->writer->page->count - 1;
    const struct snapshot *snapshot = rows->writer->page->snapshots[last];
    uint32_t all = 0;
    int error = 0;
    fputs(",\n\"mapSites\":{\"rows\":[", out);
    for (uint32_t site = 0; site < snapshot->site_count && error == 0; site++) {
        const struct snapshot_site *from = &snapshot->sites[site];
        const struct figures *figures = &from->figures;
        if (!is_mapping_site(from) || all++ >= MAP_SITES_MAX)
            continue;
        const uint64_t values[] = {figures->live_bytes, figures->live_blocks,
                                   figures->peak_bytes, figures->alloc_bytes,
                                   figures->allocs,     figures->freed_bytes};
        fprintf(out, "%s\n[%" PRIu32, all > 1 ? "," : "", rows->numbers[rows->leaves[last][site]]);
        page_put_values(rows->writer, values, sizeof values / sizeof values[0]);
        fputc(',', out);
        error = page_put_string(out, from->path.bytes, from->path.length);
        fputc(']', out);
    }
    fprintf(out, "],\"all\":%" PRIu32 "}", all);
    return error;
}

/* ---- leaks ---- */

/* Definite before possible before indirect before reachable, and then by bytes. */
static int loss_compare(const void *left, const void *right)
{
    static const int ranks[MTF_LEAK_LIMIT] = {
        [MTF_LEAK_DEFINITE] = 1,  [MTF_LEAK_POSSIBLE] = 2, [MTF_LEAK_INDIRECT] = 3,
        [MTF_LEAK_REACHABLE] = 4, [MTF_LEAK_IGNORED] = 5,  [MTF_LEAK_INHERITED] = 6,
        [MTF_LEAK_UNKNOWN] = 7,
    };
    const struct snapshot_loss *a = *(const struct snapshot_loss *const *)left;
    const struct snapshot_loss *b = *(const struct snapshot_loss *const *)right;
    if (ranks[a->kind] != ranks[b->kind])
        return ranks[a->kind] - ranks[b->kind];
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

/* The loss records of the check that speaks for the process, the worst first; NULL without memory. */
static const struct snapshot_loss **losses_sorted(const struct snapshot *snapshot, uint32_t *count)
{
    const struct snapshot_check *check = snapshot_final_check(snapshot);
    *count = check != NULL ? check->loss_count : 0;
    const struct snapshot_loss **losses = calloc((size_t)*count + 1, sizeof(void *));
    for (uint32_t i = 0; i < *count && losses != NULL; i++)
        losses[i] = &snapshot->losses[check->first_loss + i];
    if (losses != NULL)
        qsort(losses, *count, sizeof(void *), loss_compare);
    return losses;
}

static int losses_mark(struct rows *rows, unsigned report)
{
    uint32_t count;
    const struct snapshot_loss **losses =
        losses_sorted(rows->writer->page->snapshots[report], &count);
    if (losses == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count && i < LOSSES_MAX; i++)
        lines_mark(rows, rows->leaves[report][losses[i]->site]);
    free(losses);
    return 0;
}

static const char *const kind_names[MTF_LEAK_LIMIT] = {
    "unknown", "definite", "indirect", "possible", "reachable", "ignored", "inherited",
};

/* "[report, kind, line, blocks, bytes, indirect blocks, indirect bytes, domain]" */
static int put_losses(struct rows *rows, unsigned report)
{
    FILE *out = rows->writer->out;
    const struct snapshot *snapshot = rows->writer->page->snapshots[report];
    uint32_t count;
    const struct snapshot_loss **losses = losses_sorted(snapshot, &count);
    if (losses == NULL)
        return -ENOMEM;
    const struct snapshot_check *check = snapshot_final_check(snapshot);
    bool checked = check != NULL && check->failure == MTF_CHECK_COMPLETE;
    fprintf(out, "%s{\"all\":%" PRIu32 ",\"checked\":%s,\"sums\":{", report > 0 ? "," : "", count,
            checked ? "true" : "false");
    for (int kind = 0; kind < MTF_LEAK_LIMIT; kind++)
        fprintf(out, "%s\"%s\":[%" PRIu64 ",%" PRIu64 "]", kind > 0 ? "," : "", kind_names[kind],
                checked ? check->blocks[kind] : 0, checked ? check->bytes[kind] : 0);
    fputs("},\"rows\":[", out);
    for (uint32_t i = 0; i < count && i < LOSSES_MAX; i++) {
        const struct snapshot_loss *loss = losses[i];
        const uint64_t values[] = {loss->blocks, loss->bytes, loss->indirect_blocks,
                                   loss->indirect_bytes, snapshot->sites[loss->site].domain};
        fprintf(out, "%s\n[%u,\"%s\",%" PRIu32, i > 0 ? "," : "", report, kind_names[loss->kind],
                rows->numbers[rows->leaves[report][loss->site]]);
        page_put_values(rows->writer, values, 5);
        fputc(']', out);
    }
    fputs("]}", out);
    free(losses);
    return 0;
}

static int put_all_losses(struct rows *rows)
{
    int error = 0;
    fputs(",\n\"losses\":[", rows->writer->out);
    for (unsigned report = 0; report < rows->writer->page->count && error == 0; report++)
        error = put_losses(rows, report);
    fputc(']', rows->writer->out);
    return error;
}

static int rows_put(struct rows *rows)
{
    bool *used = calloc((size_t)functions_count(rows->functions) + 1, sizeof used[0]);
    rows->numbers = calloc(calltree_count(rows->lines), sizeof rows->numbers[0]);
    int error = used != NULL && rows->numbers != NULL ? 0 : -ENOMEM;
    for (unsigned report = 0; report < rows->writer->page->count && error == 0; report++)
        error = losses_mark(rows, report);
    if (error == 0)
        error = rows_choose(rows);
    if (error == 0) {
        mappings_mark(rows);
        put_lines(rows, used);
        put_rows(rows);
        error = put_all_losses(rows);
    }
    if (error == 0)
        error = put_mapping_sites(rows);
    if (error == 0)
        error = put_line_functions(rows, used);
    free(used);
    return error;
}

static void rows_free(struct rows *rows)
{
    for (unsigned report = 0; report < PAGE_REPORTS_MAX; report++)
        free(rows->leaves[report]);
    free(rows->sites);
    free(rows->rows);
    free(rows->listed);
    free(rows->numbers);
    calltree_free(rows->lines);
    functions_close(rows->functions);
}

int page_put_rows(struct page_writer *writer)
{
    struct rows rows = {
        .writer = writer,
        .functions = functions_open(writer->page->count == 1),
        .lines = calltree_new(1),
    };
    int error = rows.functions != NULL && rows.lines != NULL ? rows_reserve(&rows) : -ENOMEM;
    for (unsigned report = 0; report < writer->page->count && error == 0; report++)
        error = rows_read(&rows, report);
    if (error == 0) {
        rows_group(&rows);
        error = rows_put(&rows);
    }
    rows_free(&rows);
    return error;
}
