/*
 * One line for each path: functions with semicolons between them, callers first, then the value.
 * Read by flamegraph.pl, inferno, speedscope and others.
 */
#include "calltree.h"
#include "export.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static int folded_tree(struct export *export, struct calltree *tree)
{
    for (uint32_t site = 0; site < export->snapshot->site_count; site++) {
        uint64_t value = figures_value(&export->snapshot->sites[site].figures, export->key);
        if (!export_has(export, site) || value == 0)
            continue;
        progress_step("reading stacks", site);
        int error = stacks_read(&export->stacks, site);
        if (error == 0)
            error = calltree_add(tree, CALLTREE_DOWN, export->stacks.path, export->stacks.count,
                                 &value, NULL);
        if (error != 0)
            return error;
    }
    return 0;
}

/* The functions from the root to `node`; `path` has room for the deepest. */
static void folded_line(struct export *export, const struct calltree *tree, uint32_t node,
                        uint64_t self, uint32_t *path)
{
    size_t depth = 0;
    for (; node != 0; node = calltree_node(tree, node)->parent)
        path[depth++] = calltree_node(tree, node)->function;
    while (depth-- > 0) {
        export_text(export->out, functions_get(export->stacks.functions, path[depth])->name, ';');
        fputc(depth > 0 ? ';' : ' ', export->out);
    }
    fprintf(export->out, "%" PRIu64 "\n", self);
}

int export_folded(struct export *export)
{
    struct calltree *tree = calltree_new(1);
    int error = tree != NULL ? folded_tree(export, tree) : -ENOMEM;
    uint32_t *path = error == 0 ? calloc(calltree_count(tree), sizeof path[0]) : NULL;
    if (error == 0 && path == NULL)
        error = -ENOMEM;
    for (uint32_t node = 1; error == 0 && node < calltree_count(tree); node++) {
        uint64_t self = calltree_self(tree, node, 0);
        if (self > 0)
            folded_line(export, tree, node, self, path);
    }
    free(path);
    calltree_free(tree);
    return error == 0 && ferror(export->out) ? -EIO : error;
}
