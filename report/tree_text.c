#include "tree_text.h"
#include "amount.h"
#include "calltree.h"
#include "progress.h"
#include "stacks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What a branch line begins with, and the lines below it. */
#define TREE_BRANCH "|- "
#define TREE_LAST "`- "
#define TREE_BESIDE "|  "
#define TREE_AFTER "   "

/* A node whose lines are being printed. */
struct tree_level {
    uint32_t node;
    uint32_t next; /* child to look at next; 0: none left */
    uint32_t
        entries;   /* lines that are still to come: children, what it allocates itself, the rest */
    uint64_t rest; /* of children without a line */
    uint32_t rest_count;
    bool chain; /* its only line stands below it, without a branch */
};

struct tree_text {
    struct text *text;
    enum figures_key key;
    const struct calltree *tree;
    struct functions *functions;
    uint64_t least; /* of a line */
    struct tree_level *levels;
    size_t depth;
    size_t room;
};

static uint64_t node_value(const struct tree_text *tree, uint32_t node)
{
    return calltree_values(tree->tree, node)[0];
}

/* ---- one line ---- */

static void line_figure(struct tree_text *tree, uint64_t value)
{
    FILE *out = tree->text->out;
    bool calls = tree->key == FIGURES_CALLS || tree->key == FIGURES_TEMPORARY;
    fprintf(out, "  %11s %6s  ", calls ? amount_count(value).text : amount_short(value).text,
            amount_share(value, node_value(tree, 0)).text);
}

/* The bars of the levels around the line; `entry`: it is one of several below its parent. */
static void line_indent(struct tree_text *tree, bool entry)
{
    FILE *out = tree->text->out;
    fputs(text_style(tree->text, TERMINAL_FAINT), out);
    for (size_t i = 0; i < tree->depth; i++) {
        const struct tree_level *level = &tree->levels[i];
        bool here = entry && i + 1 == tree->depth;
        if (level->chain)
            continue;
        if (here)
            fputs(level->entries > 0 ? TREE_BRANCH : TREE_LAST, out);
        else
            fputs(level->entries > 0 ? TREE_BESIDE : TREE_AFTER, out);
    }
    fputs(text_style(tree->text, TERMINAL_PLAIN), out);
}

static void line_function(struct tree_text *tree, uint32_t node)
{
    FILE *out = tree->text->out;
    const struct function *function =
        functions_get(tree->functions, calltree_node(tree->tree, node)->function);
    frame_text_function(out, function->name, tree->text->options->full);
    if (function->module[0] != '\0') {
        fprintf(out, "%s [", text_style(tree->text, TERMINAL_FAINT));
        frame_text_module(out, function->module);
        fprintf(out, "]%s", text_style(tree->text, TERMINAL_PLAIN));
    }
    fputc('\n', out);
}

static void line_words(struct tree_text *tree, uint64_t value, const char *words)
{
    line_figure(tree, value);
    line_indent(tree, true);
    fprintf(tree->text->out, "%s%s%s\n", text_style(tree->text, TERMINAL_FAINT), words,
            text_style(tree->text, TERMINAL_PLAIN));
}

/* ---- levels ---- */

/* Looks at a node's children before they are printed. */
static int level_push(struct tree_text *tree, uint32_t node)
{
    if (tree->depth == tree->room) {
        size_t room = 2 * tree->room + 64;
        struct tree_level *levels = reallocarray(tree->levels, room, sizeof levels[0]);
        if (levels == NULL)
            return -ENOMEM;
        tree->levels = levels;
        tree->room = room;
    }
    struct tree_level level = {.node = node, .next = calltree_node(tree->tree, node)->first_child};
    for (uint32_t child = level.next; child != 0; child = calltree_node(tree->tree, child)->next) {
        if (node_value(tree, child) >= tree->least) {
            level.entries++;
        } else {
            level.rest += node_value(tree, child);
            level.rest_count += node_value(tree, child) > 0;
        }
    }
    bool only = level.entries == 1;
    level.entries += level.rest >= tree->least;
    level.entries += level.next != 0 && calltree_self(tree->tree, node, 0) >= tree->least;
    level.chain = only && level.entries == 1;
    tree->levels[tree->depth++] = level;
    return 0;
}

/* The lines that are not children's, when those are done. */
static void level_finish(struct tree_text *tree)
{
    struct tree_level *level = &tree->levels[tree->depth - 1];
    uint64_t self = calltree_self(tree->tree, level->node, 0);
    char words[64];
    if (calltree_node(tree->tree, level->node)->first_child != 0 && self >= tree->least) {
        level->entries--;
        line_words(tree, self, "(itself)");
    }
    if (level->rest >= tree->least) {
        level->entries--;
        snprintf(words, sizeof words, "(%" PRIu32 " smaller)", level->rest_count);
        line_words(tree, level->rest, words);
    }
    tree->depth--;
}

/* The next child that has a line; 0: none. Children are sorted, so the small ones come last. */
static uint32_t level_next(struct tree_text *tree)
{
    struct tree_level *level = &tree->levels[tree->depth - 1];
    uint32_t child = level->next;
    if (child == 0 || node_value(tree, child) < tree->least)
        return 0;
    level->next = calltree_node(tree->tree, child)->next;
    level->entries--;
    return child;
}

static int tree_lines(struct tree_text *tree)
{
    int error = level_push(tree, 0);
    while (error == 0 && tree->depth > 0) {
        uint32_t child = level_next(tree);
        if (child == 0) {
            level_finish(tree);
            continue;
        }
        line_figure(tree, node_value(tree, child));
        line_indent(tree, !tree->levels[tree->depth - 1].chain);
        line_function(tree, child);
        error = level_push(tree, child);
    }
    return error;
}

/* ---- the whole ---- */

static int tree_fill(struct tree_text *tree, struct calltree *to, enum calltree_direction direction)
{
    const struct snapshot *snapshot = tree->text->snapshot;
    struct stacks stacks = {.snapshot = snapshot,
                            .frames = tree->text->frames,
                            .functions = tree->functions,
                            .fold = !tree->text->options->full};
    int error = 0;
    for (uint32_t site = 0; site < snapshot->site_count && error == 0; site++) {
        uint64_t value = figures_value(&snapshot->sites[site].figures, tree->key);
        if (snapshot->sites[site].domain != MTF_DOMAIN_HEAP || value == 0)
            continue;
        progress_step("reading stacks", site);
        error = stacks_read(&stacks, site);
        if (error == 0)
            error = calltree_add(to, direction, stacks.path, stacks.count, &value, NULL);
    }
    stacks_free(&stacks);
    progress_clear();
    return error;
}

static void tree_head(struct tree_text *tree, enum calltree_direction direction)
{
    static const char *const things[FIGURES_KEY_LIMIT] = {
        [FIGURES_LIVE] = "what is still allocated",    [FIGURES_PEAK] = "the peak",
        [FIGURES_TOTAL] = "all bytes allocated",       [FIGURES_CALLS] = "all allocations",
        [FIGURES_TEMPORARY] = "temporary allocations",
    };
    const char *thing = things[tree->key];
    if (tree->text->snapshot->is_cut && tree->key == FIGURES_LIVE)
        thing = "what is allocated at the end of the phase";
    text_title(tree->text, direction == CALLTREE_DOWN ? "Call tree" : "Callers");
    fprintf(tree->text->out, "%s, %s\n", thing,
            direction == CALLTREE_DOWN ? "callers above callees"
                                       : "allocating functions above their callers");
    if (node_value(tree, 0) == 0)
        fputs("  nothing\n", tree->text->out);
}

static int tree_print(struct tree_text *tree, enum calltree_direction direction)
{
    struct calltree *made = calltree_new(1);
    int error = made != NULL ? tree_fill(tree, made, direction) : -ENOMEM;
    if (error == 0)
        error = calltree_sort(made, 0);
    if (error == 0) {
        uint64_t parts =
            tree->text->options->full ? UINT64_C(10) * TREE_TEXT_PARTS : TREE_TEXT_PARTS;
        tree->tree = made;
        tree->least = node_value(tree, 0) / parts + (node_value(tree, 0) % parts != 0);
        tree_head(tree, direction);
        error = node_value(tree, 0) > 0 ? tree_lines(tree) : 0;
    }
    calltree_free(made);
    return error;
}

int tree_text_print(struct text *text)
{
    struct tree_text tree = {.text = text, .key = text->options->sort};
    int error = 0;
    if (tree.key == FIGURES_KEY_LIMIT)
        tree.key = text->snapshot->totals.live_bytes > 0 ? FIGURES_LIVE : FIGURES_PEAK;
    tree.functions = functions_open(false);
    if (tree.functions == NULL)
        return -ENOMEM;
    if (text->options->trees & TREE_TEXT_DOWN)
        error = tree_print(&tree, CALLTREE_DOWN);
    if (error == 0 && (text->options->trees & TREE_TEXT_UP) != 0)
        error = tree_print(&tree, CALLTREE_UP);
    free(tree.levels);
    functions_close(tree.functions);
    return error;
}
