/*
 * Keeps       the modules that are loaded now, sorted by address.
 * Invariant   entries do not overlap; a reader that saw a change in between reads again.
 * Threads     module_list_find and _at: any, lock-free, legal in a signal handler. The others: the
 *             holder of module.c's lock, with asynchronous signals blocked, so that a handler never
 *             waits for a change that its own thread is making (tag MODULE-LIST).
 * Memory      one mapping for MODULE_LIST_MAX entries, of which only the used pages are real.
 * On failure  module_list_add returns false: full.
 */
#ifndef MEMTRACK_STACK_MODULE_LIST_H
#define MEMTRACK_STACK_MODULE_LIST_H

#include "stack/module_image.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODULE_LIST_MAX 32768u

struct module_entry {
    uintptr_t start;
    uintptr_t end;
    uint64_t bias;
    uintptr_t unwind_table;
    uint32_t id;   /* in MODULES */
    uint32_t seen; /* the rescan that saw it last */
};

bool module_list_start(void);
/* The entry that holds pc. */
bool module_list_at(uintptr_t pc, struct module_entry *entry);
/* For a libc that cannot be asked: module_image_find over this list. */
bool module_list_find(uintptr_t pc, struct module_image *image);
bool module_list_add(const struct module_entry *entry);
void module_list_remove(size_t index);
struct module_entry *module_list_entry(size_t index);
size_t module_list_count(void);
/* Index of the first entry that ends behind `address`; the count if there is none. */
size_t module_list_first(uintptr_t address);
/* In a forked child: if another thread was changing the list, it is emptied. */
void module_list_fork_child(void);

#endif
