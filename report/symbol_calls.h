/*
 * Keeps       which imported function a module calls at an address: what the call instruction before a
 *             return address leads to, through the procedure linkage table or the global offset table.
 * Invariant   a name is given only where instruction, stub and relocation all say so.
 * Threads     the thread of its symbolizer.
 * Memory      one entry per relocation of a function; symbol_calls_close. Names are the ELF file's.
 * On failure  NULL: not known; so everywhere but on x86-64.
 */
#ifndef MEMTRACK_SYMBOL_CALLS_H
#define MEMTRACK_SYMBOL_CALLS_H

#include <libelf.h>
#include <stdint.h>

struct symbol_calls;

/* `elf` must outlive the result. */
struct symbol_calls *symbol_calls_open(Elf *elf);
void symbol_calls_close(struct symbol_calls *calls);
/* `address` is in terms of the ELF file. */
const char *symbol_calls_find(const struct symbol_calls *calls, uint64_t return_address);

#endif
