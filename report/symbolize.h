/*
 * Keeps       names for addresses: function, file and line, with inlined frames, from the ELF
 *             files that the run used and their debug files.
 * Invariant   a file that is not the one of the run (other build-id; without one, other size or
 *             time) is never read for names.
 * Threads     one symbolizer belongs to one thread.
 * Memory      ELF files stay mapped and every answer stays cached until symbolizer_close; a
 *             debug file is indexed once, compilation unit by unit, as addresses need it.
 * On failure  what is unknown is NULL; only running out of memory is an error.
 *
 * Servers are asked for debug files (debuginfod) only where DEBUGINFOD_URLS says so, and for a
 * bounded time.
 */
#ifndef MEMTRACK_SYMBOLIZE_H
#define MEMTRACK_SYMBOLIZE_H

#include <stdbool.h>
#include <stdint.h>

/* A loaded ELF object as the report describes it (struct mtf_module). Only borrowed. */
struct symbol_module {
    const char *path;
    const uint8_t *build_id;
    uint32_t build_id_length; /* 0: none recorded */
    uint64_t inode;           /* inode, file_size, mtime_ns: 0 if unknown */
    uint64_t file_size;
    int64_t mtime_ns;
    uint32_t flags; /* MTF_MODULE_* */
    uint64_t bias;  /* address in memory minus address in the ELF file */
    uint64_t start; /* in memory */
    uint64_t end;
};

struct symbol_frame {
    const char *function; /* demangled; NULL if unknown */
    const char *linkage;  /* as in the ELF file, without version; NULL if unknown */
    const char *aliases;  /* other linkage names of it, with newlines between; NULL: none */
    const char
        *callee;      /* what is called there, if that is known: of the outermost of inlined frames,
                             and only where symbolizer_open_cached was used */
    const char *name; /* as the source has it, without scope and parameters; NULL if unknown */
    const char *file; /* as the compiler saw it, absolute where possible; NULL if unknown */
    unsigned line;    /* 0 if unknown */
    unsigned column;  /* 0 if unknown */
    bool inlined;     /* was inlined into the next frame */
};

struct symbolizer;

/* NULL: out of memory. */
struct symbolizer *symbolizer_open(void);
/* The same; keeps what is found for the next run, and begins with what the last one kept (symbol_cache.h). */
struct symbolizer *symbolizer_open_cached(void);
void symbolizer_close(struct symbolizer *);

/* Frames at `address` (in terms of the ELF file), innermost first; owned by the symbolizer and
   valid until it is closed. `exact` false: address is a return address, and the call lies before
   it. Returns the number of frames (at least 1; with function NULL where nothing is known) or
   -ENOMEM. */
int symbolizer_lookup(struct symbolizer *, const struct symbol_module *, uint64_t address,
                      bool exact, const struct symbol_frame **frames);

/* NULL, or why this module's names are missing or not to be trusted, as half a sentence to follow
   the module's name: "changed on disk since the run (other build-id)". Owned by the symbolizer. */
const char *symbolizer_complaint(struct symbolizer *, const struct symbol_module *);

#endif
