/*
 * Keeps       the door for System V shared memory: shmat and shmdt.
 * Invariant   as for mmap: out of the table before the call that unmaps, in after the one that maps.
 * Threads     any.
 * Memory      static pointers to the next definitions.
 * On failure  passes through. A segment whose size may not be asked for is not recorded.
 */
#ifndef MEMTRACK_HOOK_SHM_H
#define MEMTRACK_HOOK_SHM_H

/* Looks up the next definitions, while the shim comes up. Before, the kernel is called itself. */
void shm_start(void);

#endif
