/*
 * Keeps       what the live view shows of a process's call sites: how much each holds, by how much that grew
 *             since the mark, and how fast it allocates; and the sums.
 * Invariant   rows are those of the last update; growth is since the last mark, or since the first update;
 *             rates are those between the last two updates, never negative.
 * Threads     one thread.
 * Memory      the figures of three moments, in proportion to the number of call sites.
 * On failure  -ENOMEM, and the model is as before.
 */
#ifndef MEMTRACK_REPORT_LIVE_MODEL_H
#define MEMTRACK_REPORT_LIVE_MODEL_H

#include "snapshot.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What rows are ordered by, largest first. */
enum live_key {
    LIVE_BYTES,
    LIVE_BLOCKS,
    LIVE_GROWTH,
    LIVE_RATE,
    LIVE_CALLS,
    LIVE_KEY_LIMIT,
};

struct live_row {
    uint32_t site;
    uint64_t live_bytes;
    uint64_t live_blocks;
    int64_t growth_bytes;
    int64_t growth_blocks;
    uint64_t rate_bytes; /* allocated in a second */
    uint64_t rate_calls;
    uint64_t rate_frees;
};

/* A site at one moment. */
struct live_moment {
    uint64_t allocs, alloc_bytes, frees, live_bytes, live_blocks;
};

/* All sites at one moment; sites that came later are not in it. */
struct live_moments {
    struct live_moment *sites;
    uint32_t count;
    uint64_t at_ns; /* 0: there was no such moment yet */
};

struct live_model {
    struct live_moments mark;
    struct live_moments before;
    struct live_moments now;
    struct live_row *rows; /* by site */
    uint32_t row_count;
    struct live_row sums[MTF_DOMAIN_LIMIT];
};

/* Takes the figures of a newer snapshot of the same report, read at `now_ns` (CLOCK_MONOTONIC). */
int live_update(struct live_model *model, const struct snapshot *snapshot, uint64_t now_ns);
/* Growth counts from the last update on. */
int live_mark(struct live_model *model);
/* The rows of a domain that have something of the key, largest first, `order` having room for all; rows
   with the same value by site. Returns how many there are. */
size_t live_order(const struct live_model *model, const struct snapshot *snapshot,
                  enum live_key key, enum mtf_domain domain, const struct live_row **order);
void live_free(struct live_model *model);

/* "live", "blocks", "growth", "rate", "calls" */
const char *live_key_name(enum live_key key);
bool live_key_parse(const char *name, enum live_key *key);

#endif
