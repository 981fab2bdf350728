/*
 * Keeps       how one frame of a call stack looks to people.
 * Invariant   one line; names from files cannot steer a terminal.
 * Threads     any one at a time per stream.
 * Memory      none that outlives the call.
 * On failure  the stream's error indicator; without memory a name is shown unshortened.
 */
#ifndef MEMTRACK_REPORT_FRAME_TEXT_H
#define MEMTRACK_REPORT_FRAME_TEXT_H

#include "frames.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct frame_text {
    const char *function; /* NULL: module+offset is shown */
    const char *module;   /* path; NULL: outside of every module, "": unknown */
    uint64_t offset;
    const char *file; /* NULL: unknown */
    unsigned line;    /* 0: unknown */
    bool inlined;
};

struct frame_text_options {
    bool color;
    bool full;          /* names exactly; otherwise what C++ adds by default is left out */
    const char *folder; /* files below it are named from there; NULL or "": none */
};

/* A frame of a snapshot's stack; valid as long as both are. */
struct frame_text frame_text_of(const struct snapshot *snapshot, const struct frame *frame);
/* The whole line, indented, with its newline. */
void frame_text_put(FILE *out, const struct frame_text *frame,
                    const struct frame_text_options *options);
void frame_text_function(FILE *out, const char *function, bool full);
/* The module's file name without folder. */
void frame_text_module(FILE *out, const char *path);
/* module+0xoffset, or the bare address where `module` is NULL. */
void frame_text_address(FILE *out, const char *module, uint64_t offset);
/* The file's name as seen from the folder: within `file`. */
const char *frame_text_file(const char *file, const char *folder);

#endif
