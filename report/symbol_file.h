/*
 * Keeps       the way from a module of the report to the ELF file it was, opened by libdwfl.
 * Invariant   `module` is NULL, or is the file of the run: the same build-id, or without one
 *             the same size and time. Addresses are those of the ELF file.
 * Threads     the thread of its symbolizer.
 * Memory      files are mapped; symbol_file_close gives everything back.
 * On failure  `module` stays NULL and `complaint` says why.
 */
#ifndef MEMTRACK_SYMBOL_FILE_H
#define MEMTRACK_SYMBOL_FILE_H

#include "symbolize.h"
#include <elfutils/libdwfl.h>

struct symbol_file {
    Dwfl *dwfl;
    Dwfl_Module *module;
    const char *complaint; /* NULL, or why `module` is not the file at the recorded path */
};

void symbol_file_open(struct symbol_file *file, const struct symbol_module *recorded);
void symbol_file_close(struct symbol_file *file);

#endif
