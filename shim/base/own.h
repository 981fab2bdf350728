/*
 * Keeps       which memory is the shim's own: what sys_map gave and was not given back.
 * Invariant   a range is listed from before its first use until after its last.
 * Threads     any, lock-free, legal in a signal handler. own_each may miss what is added meanwhile.
 * Memory      static: OWN_MAX ranges, of which only the used pages are real.
 * On failure  a range over OWN_MAX is not listed; what asks takes it for the host's.
 */
#ifndef MEMTRACK_BASE_OWN_H
#define MEMTRACK_BASE_OWN_H

#include <stddef.h>
#include <stdint.h>

#define OWN_MAX 16384u

void own_add(const void *start, size_t size);
/* Takes out the whole range that own_add was given at `start`. */
void own_remove(const void *start);
void own_each(void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context);

#endif
