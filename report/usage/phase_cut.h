/*
 * Keeps       the way to see every table of one phase alone: a snapshot whose figures are that phase's.
 * Invariant   calls, bytes, frees, temporary ones and reallocs are those that happened in the phase, in
 *             all of its name together; live is what was live when the last of them ended. The peak is
 *             the most in any of them; sites have a share of it if it is the process's own, for no other
 *             is kept. What is not kept by phase (blocks, leaks, mappings, sizes, lifetimes, threads,
 *             memory) is taken out.
 * Threads     one thread.
 * Memory      none.
 * On failure  -ENOMEM or -ENOENT and one line that names the phase and those that there are; the
 *             snapshot is as it was.
 */
#ifndef MEMTRACK_REPORT_PHASE_CUT_H
#define MEMTRACK_REPORT_PHASE_CUT_H

#include "phase_group.h"
#include "snapshot.h"

/* `name` as phase_groups_find takes it. */
int phase_cut(struct snapshot *snapshot, const char *name, char *message, size_t message_size);
/* The figures of every call site in group `group`, into an array of as many as there are sites. */
void phase_cut_figures(const struct snapshot *snapshot, const struct phase_groups *groups,
                       uint32_t group, struct figures *figures);

#endif
