/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Finds the row of a key while rows are built. */
struct row_index {
    char *key;
    size_t row;
    UT_hash_handle hh;
};

struct builder {
    struct aggregate *to;
    const struct snapshot *snapshot;
    struct frames *frames;
    enum aggregate_by by;
    enum mtf_domain domain;
    struct row_index *index;
    char *key; /* of the site at hand */
    size_t key_room;
    size_t key_length;
};

static const char *const by_names[AGGREGATE_BY_LIMIT] = {"site", "function", "module"};

const char *aggregate_by_name(enum aggregate_by by)
{
    return by_names[by];
}

bool aggregate_by_parse(const char *name, enum aggregate_by *by)
{
    for (size_t i = 0; i < AGGREGATE_BY_LIMIT; i++) {
        if (strcmp(name, by_names[i]) == 0) {
            *by = (enum aggregate_by)i;
            return true;
        }
    }
    return false;
}

void aggregate_free(struct aggregate *aggregate)
{
    free(aggregate->rows);
    aggregate->rows = NULL;
    aggregate->count = 0;
}

static void build_by_site(struct aggregate *to, const struct snapshot *snapshot,
                          enum mtf_domain domain)
{
    for (uint32_t site = 0; site < snapshot->site_count; site++) {
        if (snapshot->sites[site].domain != domain)
            continue;
        struct aggregate_row *row = &to->rows[to->count++];
        row->figures = snapshot->sites[site].figures;
        row->site = site;
        row->sites = 1;
    }
}

static int key_put(struct builder *builder, const void *bytes, size_t length)
{
    size_t need = builder->key_length + length;
    if (need > builder->key_room) {
        char *key = realloc(builder->key, 2 * need);
        if (key == NULL)
            return -ENOMEM;
        builder->key = key;
        builder->key_room = 2 * need;
    }
    memcpy(builder->key + builder->key_length, bytes, length);
    builder->key_length = need;
    return 0;
}

/* The module's path (it may have been loaded more than once), then the function's name, or the
   offset where it has none. */
static int key_make(struct builder *builder, const struct frame *self)
{
    const char *path = builder->snapshot->modules[self->module].path;
    const char *function = self->name->function;
    builder->key_length = 0;
    int error = key_put(builder, path, strlen(path) + 1);
    if (error != 0 || builder->by == AGGREGATE_MODULE)
        return error;
    if (function != NULL)
        return key_put(builder, function, strlen(function));
    return key_put(builder, &self->offset, sizeof self->offset);
}

static int row_add(struct builder *builder, uint32_t site, const struct frame *self,
                   struct row_index **added)
{
    struct row_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return -ENOMEM;
    index->key = malloc(builder->key_length + 1);
    if (index->key != NULL) {
        memcpy(index->key, builder->key, builder->key_length);
        HASH_ADD_KEYPTR(hh, builder->index, index->key, builder->key_length, index);
    }
    if (index->key == NULL || index->hh.tbl == NULL) {
        free(index->key);
        free(index);
        return -ENOMEM;
    }
    index->row = builder->to->count++;
    builder->to->rows[index->row] = (struct aggregate_row){.site = site, .self = *self};
    *added = index;
    return 0;
}

static int build_site(struct builder *builder, uint32_t site)
{
    struct frame self;
    struct row_index *index;
    int error = frames_self(builder->frames, builder->snapshot->sites[site].node, &self);
    if (error == 0)
        error = key_make(builder, &self);
    if (error != 0)
        return error;
    HASH_FIND(hh, builder->index, builder->key, builder->key_length, index);
    if (index == NULL)
        error = row_add(builder, site, &self, &index);
    if (error != 0)
        return error;
    struct aggregate_row *row = &builder->to->rows[index->row];
    figures_add(&row->figures, &builder->snapshot->sites[site].figures);
    row->sites++;
    return 0;
}

static void index_free(struct row_index *indexes)
{
    struct row_index *index, *next;
    HASH_ITER(hh, indexes, index, next)
    {
        HASH_DEL(indexes, index);
        free(index->key);
        free(index);
    }
}

static int build_by_self(struct builder *builder)
{
    int error = 0;
    for (uint32_t site = 0; site < builder->snapshot->site_count && error == 0; site++) {
        if (builder->snapshot->sites[site].domain == builder->domain)
            error = build_site(builder, site);
    }
    index_free(builder->index);
    free(builder->key);
    return error;
}

int aggregate_build(struct aggregate *aggregate, const struct snapshot *snapshot,
                    struct frames *frames, enum aggregate_by by, enum mtf_domain domain)
{
    struct builder builder = {
        .to = aggregate, .snapshot = snapshot, .frames = frames, .by = by, .domain = domain};
    int error = 0;
    aggregate->count = 0;
    aggregate->rows = calloc(snapshot->site_count, sizeof aggregate->rows[0]);
    if (aggregate->rows == NULL)
        return -ENOMEM;
    if (by == AGGREGATE_SITE)
        build_by_site(aggregate, snapshot, domain);
    else
        error = build_by_self(&builder);
    if (error != 0)
        aggregate_free(aggregate);
    return error;
}

static int compare_falling(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

/* By value, then count, then all bytes, then order of appearance: the same file, the same order. */
static int row_compare(const void *left, const void *right, void *context)
{
    const struct aggregate_row *a = *(const struct aggregate_row *const *)left;
    const struct aggregate_row *b = *(const struct aggregate_row *const *)right;
    enum figures_key key = *(const enum figures_key *)context;
    int result = compare_falling(figures_value(&a->figures, key), figures_value(&b->figures, key));
    if (result == 0)
        result = compare_falling(figures_count(&a->figures, key), figures_count(&b->figures, key));
    if (result == 0)
        result = compare_falling(a->figures.alloc_bytes, b->figures.alloc_bytes);
    return result != 0 ? result : (a->site > b->site) - (a->site < b->site);
}

size_t aggregate_order(const struct aggregate *aggregate, enum figures_key key, bool all,
                       const struct aggregate_row **order)
{
    size_t count = 0;
    for (size_t i = 0; i < aggregate->count; i++) {
        const struct figures *figures = &aggregate->rows[i].figures;
        if (all || figures_value(figures, key) > 0 || figures_count(figures, key) > 0)
            order[count++] = &aggregate->rows[i];
    }
    qsort_r(order, count, sizeof(void *), row_compare, &key);
    return count;
}
