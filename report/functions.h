/*
 * Keeps       the functions that stacks of one or more snapshots go through, each with a small number
 *             of its own, so that trees and tables of other programs can refer to them.
 * Invariant   ids are dense and count from 0; one (module path, name) is one function in every
 *             snapshot, as it is one row of `memtrack report --by function`; with lines, one (module
 *             path, name, file, line) is.
 * Threads     one thread.
 * Memory      one record and the printed name of each function until functions_close; modules' paths
 *             and source files are copied.
 * On failure  -ENOMEM; what was there before stays.
 */
#ifndef MEMTRACK_REPORT_FUNCTIONS_H
#define MEMTRACK_REPORT_FUNCTIONS_H

#include "frames.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct function {
    char *name;    /* demangled, or module+0xoffset; never NULL */
    char *linkage; /* as in the ELF file; NULL if unknown */
    char *module;  /* path; "" if unknown */
    char *file;    /* of the frame that was met first; NULL if unknown */
    unsigned line; /* the same; 0 if unknown */
    unsigned column;
    bool inlined;
    bool folded;
};

struct functions;

/* `lines`: frames in other lines of one function are told apart. NULL without memory. */
struct functions *functions_open(bool lines);
void functions_close(struct functions *functions);

/* The number of a frame's function. Uses the frame's `number`: no other output may number the frames
   of the same struct frames. */
int functions_id(struct functions *functions, const struct snapshot *snapshot,
                 const struct frame *frame, uint32_t *id);
/* A function that is no frame: what stands for the unknown, or for what was cut off. */
int functions_word(struct functions *functions, const char *name, uint32_t *id);

uint32_t functions_count(const struct functions *functions);
/* Valid until functions_close. */
const struct function *functions_get(const struct functions *functions, uint32_t id);

/* What stands behind the last slash. */
const char *functions_base_name(const char *path);

#endif
