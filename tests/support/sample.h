/*
 * Keeps       small ELF files that tests build from source in a folder of their own.
 * Invariant   everything lies below sample_folder(), which sample_clean removes.
 * Threads     the test's.
 * Memory      fixed buffers; a path stays valid until SAMPLE_PATHS more were asked for.
 * On failure  the test fails, with the command's own words on stderr.
 */
#ifndef MEMTRACK_TESTS_SAMPLE_H
#define MEMTRACK_TESTS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_PATHS 16

/* The folder; made when first asked for. */
const char *sample_folder(void);
void sample_clean(void);
/* A path below the folder. */
const char *sample_path(const char *name);
/* Writes a file below the folder; returns its path. */
const char *sample_write(const char *name, const char *text);
/* Runs a shell command in the folder; it must succeed. */
void sample_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Does the command exist? */
bool sample_has(const char *command);
/* A symbol's address and size as nm(1) says; the test fails if there is none. */
uint64_t sample_symbol(const char *name, const char *symbol, uint64_t *size);

#endif
