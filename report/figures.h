/*
 * Keeps       the counters that a call site, a row of a report and a whole process have in common.
 * Invariant   live is what was allocated minus what was freed, never below zero; sums of sites'
 *             figures are the process's figures (`largest` is their maximum).
 * Threads     plain data: no sharing.
 * Memory      none.
 * On failure  cannot fail; sums of hostile figures stop at UINT64_MAX.
 */
#ifndef MEMTRACK_REPORT_FIGURES_H
#define MEMTRACK_REPORT_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

struct figures {
    uint64_t allocs;
    uint64_t alloc_bytes; /* requested bytes, like every `bytes` here */
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t peak_blocks; /* of these figures, live when the whole process was at its peak */
    uint64_t peak_bytes;
    uint64_t temporary;        /* of allocs: freed before the same thread's next allocation */
    uint64_t largest;          /* bytes of one block */
    uint64_t reallocs;         /* of allocs: by a realloc of an existing block */
    uint64_t zero_size;        /* of allocs: of 0 bytes */
    uint64_t failed;           /* refused requests; not in allocs */
    uint64_t inherited_blocks; /* from before a fork and still live; in none of the others */
    uint64_t inherited_bytes;
};

enum figures_key {
    FIGURES_LIVE,
    FIGURES_PEAK,
    FIGURES_TOTAL,
    FIGURES_CALLS,
    FIGURES_TEMPORARY,
    FIGURES_KEY_LIMIT,
};

/* `part` less than `whole`; 0 where it is more, as of a process that runs on while it is read. */
uint64_t figures_less(uint64_t whole, uint64_t part);
void figures_add(struct figures *sum, const struct figures *part);
/* What rows are ordered by: bytes for LIVE, PEAK and TOTAL, calls for the others. */
uint64_t figures_value(const struct figures *figures, enum figures_key key);
/* How many blocks or calls belong to figures_value(): what stands beside it in a row. */
uint64_t figures_count(const struct figures *figures, enum figures_key key);
/* "live", "peak", "total", "calls", "temporary" */
const char *figures_key_name(enum figures_key key);
/* The key of that name; false if there is none. */
bool figures_key_parse(const char *name, enum figures_key *key);

#endif
