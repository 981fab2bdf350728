/*
 * Keeps       which leaks people have said they know: suppressions as Valgrind and LeakSanitizer read
 *             them, both in one file if need be.
 * Invariant   entries are tried in the order of the files; the first that fits is the one used.
 * Threads     one thread.
 * Memory      the entries, until suppress_free.
 * On failure  -EBADMSG, -errno and a message that names file and line; the set stays as it was before
 *             the entry that is wrong.
 *
 * What is understood:
 *   { name / Memcheck:Leak / match-leak-kinds: … / fun: obj: src: lines and ... / }
 *     of several tools, Memcheck's entries of kind Leak count; all others are skipped.
 *     fun: is compared with the mangled and the demangled name. As in Valgrind the first line is about
 *     the allocation function itself (fun:malloc, fun:_Znwm), which is known where the call names it (see
 *     symbol_calls.h) and otherwise is any of them; an entry that begins with its caller, as our own
 *     stacks do, is understood as well.
 *   leak:pattern — a part of any frame's function, file or module; other sanitizers' kinds are skipped.
 *   # comments and empty lines.
 */
#ifndef MEMTRACK_REPORT_SUPPRESS_H
#define MEMTRACK_REPORT_SUPPRESS_H

#include "memtrack/format.h"
#include "object_path.h"
#include "trace.h"
#include <stdint.h>
#include <stdio.h>

enum suppress_what {
    SUPPRESS_FUNCTION, /* fun: */
    SUPPRESS_OBJECT,   /* obj: */
    SUPPRESS_SOURCE,   /* src: */
    SUPPRESS_ANY,      /* ... */
    SUPPRESS_LEAK,     /* leak: the only line of its entry */
};

struct suppress_line {
    enum suppress_what what;
    char *pattern; /* NULL for SUPPRESS_ANY */
};

struct suppress_entry {
    char *name;
    const char *file; /* where it stands; the set's */
    unsigned line;
    unsigned kinds; /* leak_kind_bit */
    struct suppress_line *lines;
    size_t line_count;
    uint64_t used; /* findings */
    uint64_t used_blocks;
    uint64_t used_bytes;
};

struct suppress {
    struct suppress_entry *entries;
    size_t count;
    char **files;
    size_t file_count;
    size_t skipped; /* entries for other tools and of other kinds */
    struct object_paths paths;
};

int suppress_load(struct suppress *suppress, const char *path, char *message, size_t message_size);
/* The same from memory; `name` stands for the file in messages. */
int suppress_parse(struct suppress *suppress, const char *name, const char *text, size_t length,
                   char *message, size_t message_size);
void suppress_free(struct suppress *suppress);

/* The entry that a leak of this kind and stack falls under, or NULL. */
struct suppress_entry *suppress_find(struct suppress *suppress, const struct trace *trace,
                                     enum mtf_leak_kind kind);

/* Writes an entry that fits the stack, in Valgrind's form. */
void suppress_write(FILE *out, const struct trace *trace, enum mtf_leak_kind kind);

#endif
