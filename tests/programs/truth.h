/*
 * What a truth program counts for itself, and the one form in which it says so:
 *
 *     truth SCOPE key=value key=value ...
 *
 * SCOPE is `all` (the whole process), `mappings` (all of them), `at FUNCTION` (call sites whose innermost frame in the
 * program's own modules is FUNCTION) or `under FUNCTION` (FUNCTION is anywhere in the stack).
 * tests/cases/compare.py holds these lines against `memtrack report --json`.
 *
 * Threads: none of this is synchronised; a program with threads gives each its own struct truth
 * and adds them up. Memory: nothing here allocates, so that counting does not change what is
 * counted; stdio would.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct truth {
    uint64_t allocs;
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t reallocs;
    uint64_t failed;
    uint64_t zero_size;
    uint64_t peak_bytes;
};

/* Counts a request of `size` bytes that gave `block`; passes the block on. */
static inline void *truth_got(struct truth *truth, void *block, size_t size)
{
    if (block == NULL) {
        truth->failed++;
        return NULL;
    }
    truth->allocs++;
    truth->alloc_bytes += size;
    truth->zero_size += size == 0;
    if (truth->alloc_bytes - truth->freed_bytes > truth->peak_bytes)
        truth->peak_bytes = truth->alloc_bytes - truth->freed_bytes;
    return block;
}

/* Counts that a block of `size` bytes went back. */
static inline void truth_gone(struct truth *truth, size_t size)
{
    truth->frees++;
    truth->freed_bytes += size;
}

/* Counts a realloc of a block of old_size bytes that gave `block`. */
static inline void *truth_moved(struct truth *truth, void *block, size_t old_size, size_t size)
{
    if (block == NULL) {
        truth->failed++;
        return NULL;
    }
    truth_gone(truth, old_size);
    truth->reallocs++;
    return truth_got(truth, block, size);
}

static inline void truth_add(struct truth *sum, const struct truth *part)
{
    sum->allocs += part->allocs;
    sum->alloc_bytes += part->alloc_bytes;
    sum->frees += part->frees;
    sum->freed_bytes += part->freed_bytes;
    sum->reallocs += part->reallocs;
    sum->failed += part->failed;
    sum->zero_size += part->zero_size;
}

/* Writes one line to `fd` without stdio. */
static inline __attribute__((format(printf, 2, 3))) void truth_write(int fd, const char *format,
                                                                     ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line || write(fd, line, (size_t)length) != length)
        _exit(99);
}

/* Everything but the peak: also right for a part of the process. */
static inline void truth_write_counts(int fd, const char *scope, const struct truth *truth)
{
    truth_write(fd,
                "truth %s allocs=%" PRIu64 " alloc_bytes=%" PRIu64 " frees=%" PRIu64
                " freed_bytes=%" PRIu64 " reallocs=%" PRIu64 " failed=%" PRIu64
                " zero_size=%" PRIu64 " live_blocks=%" PRIu64 " live_bytes=%" PRIu64 "\n",
                scope, truth->allocs, truth->alloc_bytes, truth->frees, truth->freed_bytes,
                truth->reallocs, truth->failed, truth->zero_size, truth->allocs - truth->frees,
                truth->alloc_bytes - truth->freed_bytes);
}

/* The whole process. */
static inline void truth_write_all(const struct truth *truth)
{
    truth_write_counts(1, "all", truth);
    truth_write(1, "truth all peak_bytes=%" PRIu64 "\n", truth->peak_bytes);
}

/* Ends the program when a thing that must hold natively does not hold. */
#define truth_require(condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            truth_write(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                 \
            _exit(98);                                                                             \
        }                                                                                          \
    } while (0)

#endif
