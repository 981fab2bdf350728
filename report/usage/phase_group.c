/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "phase_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct group_entry {
    uint32_t group;
    UT_hash_handle hh;
};

struct group_builder {
    struct phase_groups *to;
    const struct snapshot *snapshot;
    struct group_entry *index;
};

static int group_add(struct group_builder *builder, const struct snapshot_name *name,
                     struct group_entry **added)
{
    struct group_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    entry->group = builder->to->count;
    HASH_ADD_KEYPTR(hh, builder->index, name->bytes, name->length, entry);
    if (entry->hh.tbl == NULL) {
        free(entry);
        return -ENOMEM;
    }
    builder->to->groups[builder->to->count++] = (struct phase_group){.name = *name};
    *added = entry;
    return 0;
}

static int group_phase(struct group_builder *builder, uint32_t phase)
{
    const struct snapshot_phase *from = &builder->snapshot->phases[phase];
    struct group_entry *entry;
    HASH_FIND(hh, builder->index, from->name.bytes, from->name.length, entry);
    int error = entry == NULL ? group_add(builder, &from->name, &entry) : 0;
    if (error != 0)
        return error;
    struct phase_group *group = &builder->to->groups[entry->group];
    if (group->count++ == 0)
        group->at_ns = from->at_ns;
    group->last = phase;
    group->elapsed_ns += from->end_ns > from->at_ns ? from->end_ns - from->at_ns : 0;
    if (from->peak_bytes > group->figures.peak_bytes)
        group->figures.peak_bytes = from->peak_bytes;
    builder->to->of[phase] = entry->group;
    return 0;
}

static void group_index_free(struct group_entry *index)
{
    struct group_entry *entry, *next;
    HASH_ITER(hh, index, entry, next)
    {
        HASH_DEL(index, entry);
        free(entry);
    }
}

struct figures phase_site_figures(const struct snapshot_phase_site *site)
{
    return (struct figures){
        .allocs = site->allocs,
        .alloc_bytes = site->alloc_bytes,
        .frees = site->frees,
        .freed_bytes = site->freed_bytes,
        .temporary = site->temporary,
        .reallocs = site->reallocs,
    };
}

/* What was live when each group's last phase ended: all phases so far, one after the other. */
static void groups_sum(struct phase_groups *groups, const struct snapshot *snapshot)
{
    struct figures all = {0};
    uint32_t next = 0;
    for (uint32_t phase = 0; phase < snapshot->phase_count; phase++) {
        struct phase_group *group = &groups->groups[groups->of[phase]];
        for (; next < snapshot->phase_site_count && snapshot->phase_sites[next].phase == phase;
             next++) {
            const struct snapshot_phase_site *site = &snapshot->phase_sites[next];
            const struct figures part = phase_site_figures(site);
            if (snapshot->sites[site->site].domain != MTF_DOMAIN_HEAP)
                continue;
            figures_add(&group->figures, &part);
            figures_add(&all, &part);
        }
        group->figures.live_bytes = figures_less(all.alloc_bytes, all.freed_bytes);
        group->figures.live_blocks = figures_less(all.allocs, all.frees);
    }
}

int phase_groups_build(struct phase_groups *groups, const struct snapshot *snapshot)
{
    struct group_builder builder = {.to = groups, .snapshot = snapshot};
    groups->count = 0;
    groups->groups = calloc(snapshot->phase_count, sizeof groups->groups[0]);
    groups->of = calloc(snapshot->phase_count, sizeof groups->of[0]);
    int error = groups->groups != NULL && groups->of != NULL ? 0 : -ENOMEM;
    for (uint32_t phase = 0; phase < snapshot->phase_count && error == 0; phase++)
        error = group_phase(&builder, phase);
    group_index_free(builder.index);
    if (error == 0)
        groups_sum(groups, snapshot);
    else
        phase_groups_free(groups);
    return error;
}

void phase_groups_free(struct phase_groups *groups)
{
    free(groups->groups);
    free(groups->of);
    *groups = (struct phase_groups){0};
}

int64_t phase_groups_find(const struct phase_groups *groups, const char *name)
{
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct snapshot_name *other = &groups->groups[i].name;
        if (other->length == strlen(name) && memcmp(other->bytes, name, other->length) == 0)
            return i;
    }
    char *end;
    errno = 0;
    unsigned long number = name[0] == '#' ? strtoul(name + 1, &end, 10) : 0;
    if (name[0] != '#' || name[1] < '0' || name[1] > '9' || *end != '\0' || errno != 0 ||
        number >= groups->count)
        return -1;
    return (int64_t)number;
}
