/*
 * Keeps       the way from a linkage name (C++, Rust legacy and v0) to what the user wrote.
 * Invariant   bounded time, stack and memory for every input, hostile ones included.
 * Threads     any.
 * Memory      the result is the caller's, at most DEMANGLE_RESULT_MAX bytes.
 * On failure  NULL: the name is not mangled, or is too long or too deep; use it as it is.
 */
#ifndef MEMTRACK_DEMANGLE_H
#define MEMTRACK_DEMANGLE_H

#include <stddef.h>

/* A longer mangled name is left alone. */
#define DEMANGLE_NAME_MAX 16384
/* A few hundred mangled bytes can stand for gigabytes, by referring back to themselves. */
#define DEMANGLE_RESULT_MAX 65536

/* The demangled name, with parameters and without return type; free() it. Rust names lose their
   hash. */
char *demangle_name(const char *name);

#endif
