/*
 * Keeps       the phases of a report by name: a program may enter the same phase again and again.
 * Invariant   each phase is of one group; groups come in the order in which their names were met; the
 *             figures of all groups together are those of the heap, but for live and peak.
 * Threads     one thread.
 * Memory      phase_groups_free; names are the snapshot's.
 * On failure  -ENOMEM, and there are no groups.
 */
#ifndef MEMTRACK_REPORT_PHASE_GROUP_H
#define MEMTRACK_REPORT_PHASE_GROUP_H

#include "figures.h"
#include "snapshot.h"

struct phase_group {
    struct snapshot_name name; /* empty: before the first */
    uint32_t count;            /* phases of this name */
    uint32_t last;             /* index of the last one */
    uint64_t at_ns;            /* when the first began */
    uint64_t elapsed_ns;       /* in all of them */
    struct figures
        figures; /* of the heap, in all of them: live at the end of the last, peak the most
                                  bytes in any */
};

struct phase_groups {
    struct phase_group *groups;
    uint32_t count;
    uint32_t *of; /* by phase */
};

int phase_groups_build(struct phase_groups *groups, const struct snapshot *snapshot);
void phase_groups_free(struct phase_groups *groups);
/* The group of that name, or "#N" for the N-th from 0 on. -1: none. */
int64_t phase_groups_find(const struct phase_groups *groups, const char *name);
/* What a call site did in a phase, as figures. */
struct figures phase_site_figures(const struct snapshot_phase_site *site);
/* What stands for a name that is empty. */
#define PHASE_UNNAMED "(before the first)"

#endif
