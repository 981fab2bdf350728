/*
 * Keeps       what a module's names are made from, as one line of text: if it is the same, the names are.
 * Invariant   every file that could hold names is in it with its size and time, also one that is not there.
 * Threads     any.
 * Memory      the caller frees the text.
 * On failure  NULL: out of memory, or names may come from elsewhere and change unseen.
 */
#ifndef MEMTRACK_SYMBOL_STAMP_H
#define MEMTRACK_SYMBOL_STAMP_H

#include "symbol_file.h"

char *symbol_stamp_make(const struct symbol_file *file, const struct symbol_module *module);

#endif
