#include "phase_cut.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As many names as a line has room for. */
#define CUT_NAMES_SHOWN 8

/* The phase in which the process was at its peak. */
static uint32_t peak_phase(const struct snapshot *snapshot)
{
    uint32_t phase = 0;
    while (phase + 1 < snapshot->phase_count &&
           snapshot->phases[phase + 1].sequence < snapshot->peak_sequence)
        phase++;
    return phase;
}

/* Is the peak of the whole process the peak of this group? */
static bool peak_is_in(const struct snapshot *snapshot, const struct phase_groups *groups,
                       uint32_t group)
{
    return snapshot->totals.allocs > 0 && groups->of[peak_phase(snapshot)] == group;
}

void phase_cut_figures(const struct snapshot *snapshot, const struct phase_groups *groups,
                       uint32_t group, struct figures *figures)
{
    bool peak = peak_is_in(snapshot, groups, group);
    for (uint32_t site = 0; site < snapshot->site_count; site++) {
        const struct figures *whole = &snapshot->sites[site].figures;
        figures[site] = (struct figures){.peak_bytes = peak ? whole->peak_bytes : 0,
                                         .peak_blocks = peak ? whole->peak_blocks : 0};
    }
    for (uint32_t i = 0; i < snapshot->phase_site_count; i++) {
        const struct snapshot_phase_site *from = &snapshot->phase_sites[i];
        struct figures *to = &figures[from->site];
        if (from->phase > groups->groups[group].last)
            break;
        to->live_bytes += from->alloc_bytes - from->freed_bytes; /* may pass below zero */
        to->live_blocks += from->allocs - from->frees;
        if (groups->of[from->phase] != group)
            continue;
        const struct figures part = phase_site_figures(from);
        figures_add(to, &part);
    }
    for (uint32_t site = 0; site < snapshot->site_count; site++) {
        if ((int64_t)figures[site].live_bytes < 0 || (int64_t)figures[site].live_blocks < 0)
            figures[site].live_bytes = figures[site].live_blocks = 0;
    }
}

static void cut_points(struct snapshot *snapshot, const struct phase_groups *groups, uint32_t group)
{
    uint32_t kept = 0, phase = 0;
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        struct snapshot_point point = snapshot->points[i];
        while (phase + 1 < snapshot->phase_count &&
               snapshot->phases[phase + 1].at_ns <= point.at_ns)
            phase++;
        point.phase = phase;
        if (groups->of[phase] == group)
            snapshot->points[kept++] = point;
    }
    snapshot->point_count = kept;
}

/* What is known of the whole process alone. */
static void cut_rest(struct snapshot *snapshot)
{
    free(snapshot->sizes);
    snapshot->sizes = NULL;
    snapshot->block_count = 0;
    snapshot->check_count = 0;
    snapshot->loss_count = 0;
    snapshot->mapping_count = 0;
    snapshot->region_count = 0;
    snapshot->usage_count = 0;
    snapshot->lifetime_count = 0;
    snapshot->thread_count = 1;
    memset(&snapshot->memory, 0, sizeof snapshot->memory);
}

static void cut_sites(struct snapshot *snapshot, const struct figures *figures)
{
    struct figures *const sums[MTF_DOMAIN_LIMIT] = {&snapshot->totals, &snapshot->mapped,
                                                    &snapshot->pooled};
    for (int domain = 0; domain < MTF_DOMAIN_LIMIT; domain++)
        *sums[domain] = (struct figures){0};
    for (uint32_t site = 0; site < snapshot->site_count; site++) {
        snapshot->sites[site].figures = figures[site];
        figures_add(sums[snapshot->sites[site].domain], &figures[site]);
    }
}

static int cut_group(struct snapshot *snapshot, const struct phase_groups *groups, uint32_t group)
{
    struct figures *figures = calloc((size_t)snapshot->site_count + 1, sizeof figures[0]);
    if (figures == NULL)
        return -ENOMEM;
    uint64_t blocks = peak_is_in(snapshot, groups, group) ? snapshot->totals.peak_blocks : 0;
    phase_cut_figures(snapshot, groups, group, figures);
    cut_sites(snapshot, figures);
    snapshot->totals.peak_bytes = groups->groups[group].figures.peak_bytes;
    snapshot->totals.peak_blocks = blocks;
    cut_points(snapshot, groups, group);
    cut_rest(snapshot);
    snapshot->cut = groups->groups[group].name;
    if (snapshot->cut.length == 0)
        snapshot->cut = (struct snapshot_name){PHASE_UNNAMED, strlen(PHASE_UNNAMED)};
    snapshot->is_cut = true;
    free(figures);
    return 0;
}

/* Names the phases that there are, as far as the line goes. */
static void cut_refuse(const struct snapshot *snapshot, const struct phase_groups *groups,
                       const char *name, char *message, size_t size)
{
    if (snapshot->phase_count < 2) {
        snprintf(message, size,
                 "%s: has no phases; the program names them with memtrack_phase() of memtrack.h",
                 snapshot->path);
        return;
    }
    FILE *out = fmemopen(message, size, "w");
    if (out == NULL)
        return;
    fprintf(out, "%s: has no phase '%s'; there are", snapshot->path, name);
    for (uint32_t i = 0; i < groups->count && i < CUT_NAMES_SHOWN; i++) {
        const struct snapshot_name *other = &groups->groups[i].name;
        fprintf(out, "%s #%u%s", i > 0 ? "," : "", i, other->length > 0 ? " " : "");
        terminal_put(out, other->bytes, other->length);
    }
    if (groups->count > CUT_NAMES_SHOWN)
        fputs(", ...", out);
    fclose(out);
}

int phase_cut(struct snapshot *snapshot, const char *name, char *message, size_t message_size)
{
    struct phase_groups groups;
    int error = phase_groups_build(&groups, snapshot);
    if (error != 0) {
        snprintf(message, message_size, "out of memory; read the report on a larger machine");
        return error;
    }
    int64_t group = phase_groups_find(&groups, name);
    if (group < 0 || snapshot->phase_count < 2) {
        cut_refuse(snapshot, &groups, name, message, message_size);
        error = -ENOENT;
    } else {
        error = cut_group(snapshot, &groups, (uint32_t)group);
        if (error != 0)
            snprintf(message, message_size, "out of memory; read the report on a larger machine");
    }
    phase_groups_free(&groups);
    return error;
}
