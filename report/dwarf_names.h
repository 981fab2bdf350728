/*
 * Keeps       what a module's DWARF says of addresses: functions, inlined calls, lines.
 * Invariant   units are indexed by address once, at the start; functions of a unit when its first
 *             address is asked for, so a big debug file costs what is used of it.
 * Threads     the thread of its symbolizer.
 * Memory      the indexes, freed by dwarf_names_close; strings belong to libdw.
 * On failure  without memory, or where the DWARF is damaged, less is known: never an error.
 */
#ifndef MEMTRACK_DWARF_NAMES_H
#define MEMTRACK_DWARF_NAMES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

/* More inlined calls than this around one address are cut. */
#define DWARF_FRAMES_MAX 64

struct dwarf_names;

struct dwarf_frame {
    const char *name;    /* DW_AT_name; NULL if unknown */
    const char *linkage; /* linkage name; NULL: there is none, as in C */
    const char *folder;  /* of the compilation, for a relative `file`; may be NULL */
    const char *file;    /* NULL if unknown */
    unsigned line;
    unsigned column;
};

/* `dwarf` must outlive the result; NULL: out of memory. */
struct dwarf_names *dwarf_names_open(Dwarf *dwarf);
void dwarf_names_close(struct dwarf_names *names);
/* Fills frames, innermost first; all but the last were inlined. Returns their number: 0 where DWARF
   knows nothing. A frame may have a line and no function, or a function and no line. */
int dwarf_names_find(struct dwarf_names *names, uint64_t address,
                     struct dwarf_frame frames[DWARF_FRAMES_MAX]);

#endif
