/*
 * Keeps       a call stack of its own, when the report that it came from is long closed.
 * Invariant   innermost frame first; strings are never NULL but where a comment says so.
 * Threads     immutable once made.
 * Memory      one allocation for frames and strings together; trace_free.
 * On failure  NULL: out of memory.
 */
#ifndef MEMTRACK_REPORT_TRACE_H
#define MEMTRACK_REPORT_TRACE_H

#include "frames.h"
#include "snapshot.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_frame {
    const char *function; /* demangled; NULL: unknown */
    const char *linkage;  /* NULL: unknown */
    const char *callee;   /* linkage name of what it calls; NULL: unknown, as of all inlined ones */
    const char *aliases;  /* other linkage names, with newlines between; NULL: none */
    const char *name;     /* without scope and parameters; NULL: unknown */
    const char *file;     /* NULL: unknown */
    const char *module;   /* path; NULL: outside of every module */
    uint64_t offset;
    unsigned line;
    unsigned column;
    bool inlined;
    bool folded; /* hides the cause rather than shows it */
};

struct trace {
    const char
        *allocator; /* linkage name of the function that was called to allocate; NULL: unknown */
    size_t count;
    bool cut;
    struct trace_frame frames[];
};

struct trace *trace_make(const struct frame_stack *stack, const struct snapshot *snapshot);
void trace_free(struct trace *trace);
/* The innermost frame that is not folded, and then the next further out; NULL: no more. Starts with
   `previous` NULL. */
const struct trace_frame *trace_next(const struct trace *trace, const struct trace_frame *previous);
/* The innermost visible frame that has a source file: where a person would look first. Sources below
   `root` go before others: the project's own line, not a system header. NULL: none has a file. */
const struct trace_frame *trace_place(const struct trace *trace, const char *root);
/* Is the source file one of those below `root`? */
bool trace_file_is_below(const char *file, const char *root);

#endif
