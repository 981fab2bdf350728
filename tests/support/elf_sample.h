/*
 * Keeps       small ELF files that tests build from source in a folder of their own.
 * Invariant   everything lies below elf_sample_folder(), which elf_sample_clean removes.
 * Threads     the test's.
 * Memory      fixed buffers; a path stays valid until ELF_SAMPLE_PATHS more were asked for.
 * On failure  the test fails, with the command's own words on stderr.
 */
#ifndef MEMTRACK_TESTS_ELF_SAMPLE_H
#define MEMTRACK_TESTS_ELF_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SAMPLE_PATHS 16

/* The folder; made when first asked for. */
const char *elf_sample_folder(void);
void elf_sample_clean(void);
/* A path below the folder. */
const char *elf_sample_path(const char *name);
/* Writes a file below the folder; returns its path. */
const char *elf_sample_write(const char *name, const char *text);
/* Runs a shell command in the folder; it must succeed. */
void elf_sample_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Does the command exist? */
bool elf_sample_has(const char *command);
/* A symbol's address and size as nm(1) says; the test fails if there is none. */
uint64_t elf_sample_symbol(const char *name, const char *symbol, uint64_t *size);

#endif
