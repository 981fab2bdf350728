/*
 * Keeps       a copy of the process in which a leak check runs while the host goes on.
 * Invariant   the copy is a child that the host cannot meet: it sends no signal when it ends, and wait
 *             does not see it (unless asked for such children by __WALL or __WCLONE). It keeps none of
 *             the host's descriptors open, runs nothing of the host's, and ends by a system call.
 * Threads     the holder of LOCK_START.
 * Memory      the kernel's, for pages that either of the two changes meanwhile; one shared page.
 * On failure  copy_make gives -errno.
 */
#ifndef MEMTRACK_SCAN_COPY_H
#define MEMTRACK_SCAN_COPY_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stdint.h>

/* 1: the process has memory that a copy would lack (MADV_DONTFORK). Any thread; never goes back. */
extern uint32_t copy_lacks_memory;

/* What the two share besides the report file. */
struct copy_shared {
    uint32_t done; /* tag COPY-DONE: `record` is complete before it */
    struct mtf_check record;
};

struct copy {
    int pid;                    /* 0: none, or this is the copy */
    struct copy_shared *shared; /* NULL: none */
};

/* 0 in the copy, 1 in the original, or -errno. */
int copy_make(struct copy *copy);
/* In the copy: the record is what came of it; ends the copy. */
void copy_end(struct copy *copy, const struct mtf_check *record) __attribute__((noreturn));
/* In the original. Waits until the copy has ended, or kills it after `patience_ns`. False: it came to no
   result. Takes it away in either case. */
bool copy_wait(struct copy *copy, uint64_t patience_ns, struct mtf_check *record);
/* Has it ended? */
bool copy_is_done(struct copy *copy);

#endif
