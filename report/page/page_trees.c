/*
 * Flame graphs and the table of functions. Trees hold every stack; a node is written if it has a part of
 * any column that can be seen.
 */
#include "calltree.h"
#include "page_part.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A node is left out where it has less than one part in so many of every column. */
#define TREE_PARTS 4000
/* Above this many nodes, larger ones are left out, too. */
#define TREE_NODES_MAX 16000
/* Functions that are listed: so many of each column. */
#define TABLE_ROWS 500

struct trees {
    struct page_writer *writer;
    struct functions *functions;
    struct calltree *down;
    struct calltree *up;
    /* By function, `own` what it allocates itself, `all` what stacks through it do; both have
       PAGE_WIDTH_MAX columns. */
    uint64_t *own;
    uint64_t *all;
    uint32_t *seen; /* the number of the last stack through it */
    uint32_t room;
    uint32_t stacks; /* so far */
};

static int sums_reserve(struct trees *trees, uint32_t count)
{
    uint32_t room = 2 * count + 256;
    size_t row = PAGE_WIDTH_MAX * sizeof(uint64_t);
    if (count <= trees->room)
        return 0;
    uint64_t *own = realloc(trees->own, room * row);
    trees->own = own != NULL ? own : trees->own;
    uint64_t *all = realloc(trees->all, room * row);
    trees->all = all != NULL ? all : trees->all;
    uint32_t *seen = realloc(trees->seen, room * sizeof seen[0]);
    trees->seen = seen != NULL ? seen : trees->seen;
    if (own == NULL || all == NULL || seen == NULL)
        return -ENOMEM;
    memset((char *)own + trees->room * row, 0, (room - trees->room) * row);
    memset((char *)all + trees->room * row, 0, (room - trees->room) * row);
    memset(seen + trees->room, 0, (room - trees->room) * sizeof seen[0]);
    trees->room = room;
    return 0;
}

/* Each function counts once for a stack, however often it is in it. */
static void sums_add(struct trees *trees, const struct stacks *stacks, const uint64_t *values)
{
    trees->stacks++;
    page_columns_add(trees->own + (size_t)stacks->path[0] * PAGE_WIDTH_MAX, values);
    for (size_t i = 0; i < stacks->count; i++) {
        uint32_t function = stacks->path[i];
        if (trees->seen[function] == trees->stacks)
            continue;
        trees->seen[function] = trees->stacks;
        page_columns_add(trees->all + (size_t)function * PAGE_WIDTH_MAX, values);
    }
}

static int trees_add(struct trees *trees, struct stacks *stacks, unsigned report, uint32_t site)
{
    uint64_t values[PAGE_WIDTH_MAX];
    page_site_columns(trees->writer, report, site, values);
    int error = stacks_read(stacks, site);
    if (error == 0)
        error = sums_reserve(trees, functions_count(trees->functions));
    if (error == 0) {
        sums_add(trees, stacks, values);
        error = calltree_add(trees->down, CALLTREE_DOWN, stacks->path, stacks->count, values, NULL);
    }
    if (error == 0)
        error = calltree_add(trees->up, CALLTREE_UP, stacks->path, stacks->count, values, NULL);
    return error;
}

/* "[module, why its names are not to be trusted]" */
static int put_notes(struct trees *trees, const struct stacks *stacks, unsigned report)
{
    FILE *out = trees->writer->out;
    const struct snapshot *snapshot = stacks->snapshot;
    uint32_t written = 0;
    int error = 0;
    fprintf(out, ",\n\"notes%u\":[", report);
    for (uint32_t i = 1; i < snapshot->module_count && error == 0; i++) {
        const char *complaint = frames_complaint(stacks->frames, i);
        const char *path = snapshot->modules[i].path;
        if (complaint == NULL)
            continue;
        fputs(written++ > 0 ? ",[" : "[", out);
        error = page_put_string(out, path, strlen(path));
        fputc(',', out);
        if (error == 0)
            error = page_put_string(out, complaint, strlen(complaint));
        fputc(']', out);
    }
    fputc(']', out);
    return error;
}

static int trees_fill(struct trees *trees, unsigned report)
{
    const struct page *page = trees->writer->page;
    const struct snapshot *snapshot = page->snapshots[report];
    struct stacks stacks;
    int error = page_stacks_open(page, report, trees->functions, &stacks);
    for (uint32_t site = 0; site < snapshot->site_count && error == 0; site++) {
        progress_step("reading stacks", site);
        if (snapshot->sites[site].domain == MTF_DOMAIN_HEAP &&
            snapshot->sites[site].figures.allocs > 0)
            error = trees_add(trees, &stacks, report, site);
    }
    if (error == 0)
        error = put_notes(trees, &stacks, report);
    page_stacks_close(&stacks);
    return error;
}

static bool node_is_large(const struct calltree *tree, uint32_t node, unsigned width,
                          uint64_t parts)
{
    const uint64_t *whole = calltree_values(tree, 0), *own = calltree_values(tree, node);
    for (unsigned i = 0; i < width; i++) {
        if (own[i] > 0 && own[i] >= whole[i] / parts)
            return true;
    }
    return false;
}

/* The nodes that are written, in order. A node's children are never larger than it, so a small one
   takes its whole branch with it. */
static uint32_t tree_choose(const struct calltree *tree, unsigned width, uint64_t parts,
                            uint32_t *chosen)
{
    uint32_t count = 0;
    for (uint32_t node = calltree_walk(tree, 0, false); node != 0;) {
        bool large = node_is_large(tree, node, width, parts);
        if (large) {
            if (count == TREE_NODES_MAX)
                return UINT32_MAX;
            chosen[count++] = node;
        }
        node = calltree_walk(tree, node, !large);
    }
    return count;
}

static void put_node(struct trees *trees, const struct calltree *tree, uint32_t node,
                     uint32_t parent)
{
    FILE *out = trees->writer->out;
    fprintf(out, "[%" PRIu32 ",%" PRIu32, parent, calltree_node(tree, node)->function);
    page_put_values(trees->writer, calltree_values(tree, node), trees->writer->width);
    fputc(']', out);
}

/* "[parent, function, values...]" of each node; parents are numbers of nodes from 1 on, 0 is the root. */
static int put_tree(struct trees *trees, const char *name, struct calltree *tree, bool *used)
{
    FILE *out = trees->writer->out;
    uint32_t *chosen = calloc(TREE_NODES_MAX, sizeof chosen[0]);
    uint32_t *numbers = calloc(calltree_count(tree), sizeof numbers[0]);
    uint64_t parts = TREE_PARTS;
    uint32_t count = UINT32_MAX;
    int error = chosen != NULL && numbers != NULL ? calltree_sort(tree, 0) : -ENOMEM;
    while (error == 0 &&
           (count = tree_choose(tree, trees->writer->width, parts, chosen)) == UINT32_MAX)
        parts /= 2;
    fprintf(out, ",\n\"%s\":{\"parts\":%" PRIu64 ",\"all\":%" PRIu32 ",\"nodes\":[", name, parts,
            calltree_count(tree) - 1);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        put_node(trees, tree, chosen[i], numbers[calltree_node(tree, chosen[i])->parent]);
        numbers[chosen[i]] = i + 1;
        used[calltree_node(tree, chosen[i])->function] = true;
    }
    fputs("]}", out);
    free(chosen);
    free(numbers);
    return error;
}

struct table_order {
    const uint64_t *sums;
    unsigned column;
};

static int table_compare(const void *left, const void *right, void *context)
{
    const struct table_order *order = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t x = order->sums[(size_t)a * PAGE_WIDTH_MAX + order->column];
    uint64_t y = order->sums[(size_t)b * PAGE_WIDTH_MAX + order->column];
    if (x != y)
        return x > y ? -1 : 1;
    return (a > b) - (a < b);
}

/* Marks the functions that have most of any column. */
static void table_choose(const struct trees *trees, const uint64_t *sums, uint32_t *order,
                         bool *listed)
{
    uint32_t count = functions_count(trees->functions);
    for (unsigned column = 0; column < trees->writer->width; column++) {
        struct table_order by = {sums, column};
        qsort_r(order, count, sizeof order[0], table_compare, &by);
        for (uint32_t i = 0; i < count && i < TABLE_ROWS; i++)
            listed[order[i]] = true;
    }
}

/* "[function, own..., all...]" of each function that is listed. */
static int put_table(struct trees *trees, bool *used)
{
    struct page_writer *writer = trees->writer;
    uint32_t count = functions_count(trees->functions), written = 0;
    uint32_t *order = calloc(count + 1, sizeof order[0]);
    bool *listed = calloc(count + 1, sizeof listed[0]);
    int error = order != NULL && listed != NULL ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < count && error == 0; i++)
        order[i] = i;
    if (error == 0) {
        table_choose(trees, trees->own, order, listed);
        table_choose(trees, trees->all, order, listed);
    }
    fprintf(writer->out, ",\n\"table\":{\"all\":%" PRIu32 ",\"rows\":[", count);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        if (!listed[i])
            continue;
        used[i] = true;
        fprintf(writer->out, "%s\n[%" PRIu32, written++ > 0 ? "," : "", i);
        page_put_values(writer, trees->own + (size_t)i * PAGE_WIDTH_MAX, writer->width);
        page_put_values(writer, trees->all + (size_t)i * PAGE_WIDTH_MAX, writer->width);
        fputc(']', writer->out);
    }
    fputs("]}", writer->out);
    free(order);
    free(listed);
    return error;
}

/* Functions that nothing refers to stand as 0, so that numbers stay what they are. */
static int put_functions(struct trees *trees, const bool *used)
{
    FILE *out = trees->writer->out;
    int error = 0;
    fputs(",\n\"functions\":[", out);
    for (uint32_t i = 0; i < functions_count(trees->functions) && error == 0; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        if (used[i])
            error = page_put_function(trees->writer, functions_get(trees->functions, i));
        else
            fputc('0', out);
    }
    fputc(']', out);
    return error;
}

/* What modules allocate themselves. A module's number is that of its path's text. */
static int put_modules(struct trees *trees)
{
    struct page_writer *writer = trees->writer;
    uint32_t count = functions_count(trees->functions), written = 0;
    bool *done = calloc(count + 1, sizeof done[0]);
    int error = done != NULL ? 0 : -ENOMEM;
    fputs(",\n\"modules\":[", writer->out);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const char *module = functions_get(trees->functions, i)->module;
        uint64_t sums[PAGE_WIDTH_MAX] = {0};
        uint32_t text;
        if (done[i])
            continue;
        for (uint32_t j = i; j < count; j++) {
            if (done[j] || strcmp(functions_get(trees->functions, j)->module, module) != 0)
                continue;
            done[j] = true;
            page_columns_add(sums, trees->own + (size_t)j * PAGE_WIDTH_MAX);
        }
        error = page_text_id(writer, module, &text);
        fprintf(writer->out, "%s\n[%" PRIu32, written++ > 0 ? "," : "", error == 0 ? text : 0);
        page_put_values(writer, sums, writer->width);
        fputc(']', writer->out);
    }
    fputc(']', writer->out);
    free(done);
    return error;
}

static int put_all(struct trees *trees)
{
    bool *used = calloc((size_t)functions_count(trees->functions) + 1, sizeof used[0]);
    int error = used != NULL ? put_tree(trees, "down", trees->down, used) : -ENOMEM;
    if (error == 0)
        error = put_tree(trees, "up", trees->up, used);
    if (error == 0)
        error = put_table(trees, used);
    if (error == 0)
        error = put_functions(trees, used);
    if (error == 0)
        error = put_modules(trees);
    free(used);
    return error;
}

int page_put_trees(struct page_writer *writer)
{
    struct trees trees = {
        .writer = writer,
        .functions = functions_open(false),
        .down = calltree_new(writer->width),
        .up = calltree_new(writer->width),
    };
    int error = trees.functions != NULL && trees.down != NULL && trees.up != NULL ? 0 : -ENOMEM;
    for (unsigned report = 0; report < writer->page->count && error == 0; report++)
        error = trees_fill(&trees, report);
    if (error == 0)
        error = put_all(&trees);
    free(trees.own);
    free(trees.all);
    free(trees.seen);
    calltree_free(trees.down);
    calltree_free(trees.up);
    functions_close(trees.functions);
    return error;
}
