/*
 * Keeps       the door for the program's own mappings: mmap, munmap, mremap.
 * Invariant   the call always happens, exactly once, with the host's arguments; result and errno are the
 *             kernel's.
 * Threads     any.
 * Memory      static pointers to the next definitions.
 * On failure  passes through; what could not be recorded is counted as lost.
 */
#ifndef MEMTRACK_HOOK_MMAP_H
#define MEMTRACK_HOOK_MMAP_H

/* Looks up the next definitions, while the shim comes up. Before, the kernel is called itself. */
void mmap_start(void);

#endif
