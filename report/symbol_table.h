/*
 * Keeps       the functions that a module's symbol tables name, with the addresses they cover.
 * Invariant   sealed once built; names live as long as the module is open.
 * Threads     the thread of its symbolizer.
 * Memory      about 60 bytes a function; symbol_table_free.
 * On failure  a symbol for which there is no memory is left out.
 *
 * libdwfl's own lookup walks the whole table at every call.
 */
#ifndef MEMTRACK_SYMBOL_TABLE_H
#define MEMTRACK_SYMBOL_TABLE_H

#include "interval.h"
#include <elfutils/libdwfl.h>

struct symbol;

struct symbol_table {
    struct interval_set ranges; /* id: index into symbols */
    struct symbol *symbols;
    size_t count;
    size_t room;
};

/* Reads .symtab of the module or its debug file, .dynsym and .gnu_debugdata. */
void symbol_table_read(struct symbol_table *table, Dwfl_Module *module);
void symbol_table_free(struct symbol_table *table);
/* The name of the function that covers the address, NULL if none does. A function with a size goes
   before one without, a symbol of function type before any other, and of several names for one
   place the one with fewer leading underscores, then global before local before weak. */
const char *symbol_table_find(const struct symbol_table *table, uint64_t address);
/* The other names of the function that covers the address, with newlines between; allocated, the caller
   frees it. NULL: it has none. */
char *symbol_table_aliases(const struct symbol_table *table, uint64_t address);

#endif
