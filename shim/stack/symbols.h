/*
 * Keeps       the functions' names of an ELF file, for the few questions that must be answered in the process:
 *             what the report tool does better.
 * Invariant   knows .symtab, or .dynsym where that was stripped away; no inlined functions, no demangling.
 * Threads     any; nothing is shared.
 * Memory      the shim's heap: both tables, until symbols_close.
 * On failure  symbols_open gives false; a file that makes no sense has no symbols.
 */
#ifndef MEMTRACK_STACK_SYMBOLS_H
#define MEMTRACK_STACK_SYMBOLS_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols {
    ElfW(Sym) * table;
    size_t count;
    size_t table_bytes;
    char *names; /* NUL at the end */
    size_t name_bytes;
};

enum symbols_which {
    SYMBOLS_OWN,    /* .symtab alone, of files that are not huge */
    SYMBOLS_EITHER, /* or .dynsym, where there is no other */
};

bool symbols_open(struct symbols *symbols, const char *path, enum symbols_which which);
void symbols_close(struct symbols *symbols);
/* Where the function of this name is, in terms of the file; 0: there is none. */
uint64_t symbols_address(const struct symbols *symbols, const char *name);
/* The name of the function that holds an address in terms of the file; NULL: none does. */
const char *symbols_name(const struct symbols *symbols, uint64_t address);

#endif
