/*
 * Keeps       nothing: reads /proc/self/smaps, the kernel's list of what is mapped and resident.
 * Invariant   entries come in order of address and do not overlap.
 * Threads     any; others may map and unmap meanwhile, and the list is of no single moment.
 * Memory      one buffer from base/heap, while it reads.
 * On failure  smaps_each returns false: no /proc, no memory, or a sandbox; some entries may have come.
 */
#ifndef MEMTRACK_MAP_SMAPS_H
#define MEMTRACK_MAP_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smaps_entry {
    uintptr_t start;
    uintptr_t end;
    uint64_t resident; /* bytes, as the next */
    uint64_t dirty;    /* private */
    uint64_t swapped;
    uint32_t protection; /* PROT_* */
    const char *path;    /* not terminated; as the kernel writes it, "" for anonymous memory */
    size_t path_length;
};

/* Calls visit for each entry of `file` ("/proc/thread-self/smaps") until it returns false. */
bool smaps_each(const char *file, bool (*visit)(const struct smaps_entry *entry, void *context),
                void *context);
/* A line "NAME:  123 kB" of a file such as /proc/self/status, in bytes; 0 if there is none. */
uint64_t smaps_field(const char *file, const char *name);

#endif
