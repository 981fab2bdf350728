/*
 * Keeps       the calls that start another program without the caller's own exec: posix_spawn, posix_spawnp,
 *             system and popen. They are interposed for the option follow alone.
 * Invariant   the child's environment is what the option says; everything else is the host's call as it is.
 * Threads     any. system and popen read `environ`, as POSIX has it, which no other thread may change
 *             meanwhile; what they start gets ours by that way.
 * Memory      the new environment lies on the stack.
 * On failure  the host's own result and errno.
 */
#ifndef MEMTRACK_HOOK_SPAWN_H
#define MEMTRACK_HOOK_SPAWN_H

/* Looks up the next definitions. In the constructor. */
void spawn_start(void);

#endif
