/*
 * Keeps       the door for brk and sbrk where the program calls them. The C library's malloc has its own
 *             way to the kernel; what it takes is the allocator's.
 * Invariant   what the program got is a mapping of its exact bytes; a lower break ends what lies above.
 * Threads     any; two threads that move the break at once race without us, too.
 * Memory      static pointers to the next definitions.
 * On failure  passes through.
 */
#ifndef MEMTRACK_HOOK_BRK_H
#define MEMTRACK_HOOK_BRK_H

/* Looks up the next definitions, while the shim comes up. */
void brk_start(void);

#endif
