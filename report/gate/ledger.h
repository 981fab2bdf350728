/*
 * Keeps       call sites of many processes and runs, equal ones as one, with what each has leaked and
 *             allocated.
 * Invariant   a site's figures are the sums over all reports that were added. `stable` is what a site is
 *             recognised by in another build (stack_key_stable); keyed by it, or by the exact stack.
 * Threads     one thread.
 * Memory      one record and one own copy of its stack for each site; ledger_free.
 * On failure  -ENOMEM; what was added before stays.
 */
#ifndef MEMTRACK_REPORT_LEDGER_H
#define MEMTRACK_REPORT_LEDGER_H

#include "figures.h"
#include "leaks/stack_key.h"
#include "trace.h"
#include <stdbool.h>

#define LEDGER_FINGERPRINT_SIZE 33 /* 32 hexadecimal digits and a NUL */

struct ledger_leak {
    uint64_t blocks;
    uint64_t bytes;
    uint64_t indirect_blocks;
    uint64_t indirect_bytes;
};

struct ledger_site {
    char *stable;
    char fingerprint[LEDGER_FINGERPRINT_SIZE]; /* of `stable` */
    struct trace *trace;                       /* of the first one that was met */
    struct ledger_leak leaks[MTF_LEAK_LIMIT];  /* by enum mtf_leak_kind */
    struct figures figures;
    uint32_t *processes; /* that leak here: numbers given to ledger_add, each once */
    size_t process_count;
    char *key; /* what the ledger finds it by */
};

enum ledger_by {
    LEDGER_EXACT,  /* sites are stacks with files and lines */
    LEDGER_STABLE, /* sites are what survives a rebuild */
};

struct ledger {
    enum ledger_by by;
    bool leaks_only;            /* of a baseline: sites that leak nothing are left out */
    struct ledger_site **sites; /* in the order of adding */
    size_t count;
    size_t room;
    struct ledger_index *index;
    struct figures totals;                    /* of all reports; its peak is the sum of peaks */
    struct ledger_leak leaks[MTF_LEAK_LIMIT]; /* sums over all sites */
    uint32_t processes;
    char *
        *notes; /* each once: modules whose functions have no names, so that they all look alike */
    size_t note_count;
};

/* Adds a report's loss records of these kinds (leak_kind_bit), and, where `figures`, what every site
   has allocated. `process` is noted at the sites that leak. */
int ledger_add(struct ledger *ledger, const struct snapshot *snapshot, struct frames *frames,
               unsigned kinds, bool figures, uint32_t process);
/* The site with this stable key, in a ledger by LEDGER_STABLE; NULL: none. */
struct ledger_site *ledger_find(const struct ledger *ledger, const char *stable);
/* A new site in a ledger by LEDGER_STABLE, or the one that is there. NULL: out of memory. Takes over the
   trace. */
struct ledger_site *ledger_put(struct ledger *ledger, const char *stable, struct trace *trace);
/* A text's, the same everywhere. */
void ledger_fingerprint(const char *text, char to[LEDGER_FINGERPRINT_SIZE]);
void ledger_free(struct ledger *ledger);

#endif
