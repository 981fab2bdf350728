/*
 * Keeps       which ELF object lies where, from when to when (MODULES).
 * Invariant   loaded modules' ranges do not overlap; a record never changes but for `unloaded`.
 * Threads     module_find: any thread, lock-free, legal in a signal handler. module_rescan: any
 *             thread outside the shim's locks; takes the loader's lock (dl_iterate_phdr), then
 *             never one of ours inside its callback.
 * Memory      MODULES records in the file; a private sorted array of what is loaded.
 * On failure  unknown module 0; MTF_LOST_MODULE.
 */
#ifndef MEMTRACK_STACK_MODULE_H
#define MEMTRACK_STACK_MODULE_H

#include <stdbool.h>
#include <stdint.h>

/* Once, before the first capture: the address range of the shim itself. No loader lock. */
void module_start(void);
/* Brings MODULES up to date with the loader's list: after dlopen, after dlclose, at the end. */
void module_rescan(void);
/* The id of the module that contains pc, 0 if none does. A module that the loader knows and we do
   not (its constructors run before dlopen returns) is recorded at once. */
uint32_t module_find(uintptr_t pc);
/* Address in memory minus address in the ELF file, for a module id. */
uint64_t module_bias(uint32_t module);
/* Is pc in the shim's own code? */
bool module_is_shim(uintptr_t pc);
/* Calls visit with the address range of the shim's own object, data included. */
void module_shim_range(void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context);
/* Grows by one whenever a module was unloaded: whatever was remembered of pcs before is void. */
extern uint32_t module_epoch;
/* In a forked child. */
void module_fork_child(void);

#endif
