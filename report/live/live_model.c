#include "live/live_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000

static const char *const live_key_names[LIVE_KEY_LIMIT] = {
    [LIVE_BYTES] = "live", [LIVE_BLOCKS] = "blocks", [LIVE_GROWTH] = "growth",
    [LIVE_RATE] = "rate",  [LIVE_CALLS] = "calls",
};

const char *live_key_name(enum live_key key)
{
    return key < LIVE_KEY_LIMIT ? live_key_names[key] : "";
}

bool live_key_parse(const char *name, enum live_key *key)
{
    for (int i = 0; i < LIVE_KEY_LIMIT; i++) {
        if (strcmp(name, live_key_names[i]) == 0) {
            *key = (enum live_key)i;
            return true;
        }
    }
    return false;
}

static int moments_take(struct live_moments *moments, const struct snapshot *snapshot,
                        uint64_t now_ns)
{
    struct live_moment *sites = calloc(snapshot->site_count + 1, sizeof *sites);
    if (sites == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < snapshot->site_count; i++) {
        const struct figures *figures = &snapshot->sites[i].figures;
        sites[i] = (struct live_moment){
            .allocs = figures->allocs,
            .alloc_bytes = figures->alloc_bytes,
            .frees = figures->frees,
            .live_bytes = figures->live_bytes,
            .live_blocks = figures->live_blocks,
        };
    }
    *moments = (struct live_moments){sites, snapshot->site_count, now_ns};
    return 0;
}

static int moments_copy(struct live_moments *to, const struct live_moments *from)
{
    struct live_moment *sites = calloc(from->count + 1, sizeof *sites);
    if (sites == NULL)
        return -ENOMEM;
    memcpy(sites, from->sites, from->count * sizeof *sites);
    free(to->sites);
    *to = (struct live_moments){sites, from->count, from->at_ns};
    return 0;
}

/* A site that was not there yet had nothing. */
static struct live_moment moment_of(const struct live_moments *moments, uint32_t site)
{
    static const struct live_moment nothing;
    return site < moments->count ? moments->sites[site] : nothing;
}

/* A counter that was read while it changed may seem to fall. */
static uint64_t rate(uint64_t later, uint64_t earlier, uint64_t elapsed_ns)
{
    if (later <= earlier || elapsed_ns == 0)
        return 0;
    return (uint64_t)((double)(later - earlier) * NS_PER_S / (double)elapsed_ns);
}

static struct live_row row_make(const struct live_model *model, uint32_t site)
{
    struct live_moment now = moment_of(&model->now, site), mark = moment_of(&model->mark, site);
    struct live_row row = {
        .site = site,
        .live_bytes = now.live_bytes,
        .live_blocks = now.live_blocks,
        .growth_bytes = (int64_t)(now.live_bytes - mark.live_bytes),
        .growth_blocks = (int64_t)(now.live_blocks - mark.live_blocks),
    };
    if (model->before.at_ns == 0)
        return row;
    struct live_moment before = moment_of(&model->before, site);
    uint64_t elapsed = model->now.at_ns - model->before.at_ns;
    row.rate_bytes = rate(now.alloc_bytes, before.alloc_bytes, elapsed);
    row.rate_calls = rate(now.allocs, before.allocs, elapsed);
    row.rate_frees = rate(now.frees, before.frees, elapsed);
    return row;
}

static void row_add(struct live_row *sum, const struct live_row *row)
{
    sum->live_bytes += row->live_bytes;
    sum->live_blocks += row->live_blocks;
    /* Unsigned: figures of a damaged report may be anything. */
    sum->growth_bytes = (int64_t)((uint64_t)sum->growth_bytes + (uint64_t)row->growth_bytes);
    sum->growth_blocks = (int64_t)((uint64_t)sum->growth_blocks + (uint64_t)row->growth_blocks);
    sum->rate_bytes += row->rate_bytes;
    sum->rate_calls += row->rate_calls;
    sum->rate_frees += row->rate_frees;
}

static void rows_fill(struct live_model *model, const struct snapshot *snapshot)
{
    memset(model->sums, 0, sizeof model->sums);
    for (uint32_t i = 0; i < snapshot->site_count; i++) {
        model->rows[i] = row_make(model, i);
        row_add(&model->sums[snapshot->sites[i].domain], &model->rows[i]);
    }
    model->row_count = snapshot->site_count;
}

int live_update(struct live_model *model, const struct snapshot *snapshot, uint64_t now_ns)
{
    struct live_moments now;
    struct live_row *rows = realloc(model->rows, (snapshot->site_count + 1) * sizeof *rows);
    if (rows == NULL)
        return -ENOMEM;
    model->rows = rows;
    if (moments_take(&now, snapshot, now_ns) != 0)
        return -ENOMEM;
    if (model->mark.at_ns == 0 && moments_copy(&model->mark, &now) != 0) {
        free(now.sites);
        return -ENOMEM;
    }
    free(model->before.sites);
    model->before = model->now;
    model->now = now;
    rows_fill(model, snapshot);
    return 0;
}

int live_mark(struct live_model *model)
{
    if (moments_copy(&model->mark, &model->now) != 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < model->row_count; i++)
        model->rows[i].growth_bytes = model->rows[i].growth_blocks = 0;
    for (int domain = 0; domain < MTF_DOMAIN_LIMIT; domain++)
        model->sums[domain].growth_bytes = model->sums[domain].growth_blocks = 0;
    return 0;
}

static int64_t row_value(const struct live_row *row, enum live_key key)
{
    switch (key) {
    case LIVE_BLOCKS:
        return (int64_t)row->live_blocks;
    case LIVE_GROWTH:
        return row->growth_bytes;
    case LIVE_RATE:
        return (int64_t)row->rate_bytes;
    case LIVE_CALLS:
        return (int64_t)row->rate_calls;
    default:
        return (int64_t)row->live_bytes;
    }
}

static int row_compare(const void *left, const void *right, void *context)
{
    const struct live_row *a = *(const struct live_row *const *)left;
    const struct live_row *b = *(const struct live_row *const *)right;
    int64_t x = row_value(a, *(enum live_key *)context);
    int64_t y = row_value(b, *(enum live_key *)context);
    if (x != y)
        return x > y ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

size_t live_order(const struct live_model *model, const struct snapshot *snapshot,
                  enum live_key key, enum mtf_domain domain, const struct live_row **order)
{
    size_t count = 0;
    for (uint32_t i = 0; i < model->row_count && i < snapshot->site_count; i++) {
        if (snapshot->sites[i].domain == domain && row_value(&model->rows[i], key) != 0)
            order[count++] = &model->rows[i];
    }
    qsort_r(order, count, sizeof(void *), row_compare, &key);
    return count;
}

void live_free(struct live_model *model)
{
    free(model->mark.sites);
    free(model->before.sites);
    free(model->now.sites);
    free(model->rows);
    *model = (struct live_model){0};
}
