/*
 * Keeps       the states of threads (base/self.h) and their records (THREADS).
 * Invariant   one state per living thread that had an event; a dead thread's goes to a later one.
 * Threads     thread_attach: the calling thread, for itself; takes LOCK_SELF.
 * Memory      states: private slabs with MADV_WIPEONFORK; as many as lived at one time.
 * On failure  NULL, and MTF_LOST_THREAD for each event of that thread.
 */
#ifndef MEMTRACK_TRACK_THREAD_H
#define MEMTRACK_TRACK_THREAD_H

#include "base/self.h"

/* A state for the calling thread; it becomes self_mine, not yet self_active. */
struct self *thread_attach(void);
/* The thread that pthread_self gives `handle` in is called `name` from now on. */
void thread_note_name(uintptr_t handle, const char *name);
/* At the end: marks the records of threads that are gone. */
void thread_note_ends(void);
/* Is a living thread, but this one, inside the allocator's realloc (track/moving.h)? Between thread_fork_prepare and
   thread_fork_parent. */
bool thread_moves(void);
void thread_fork_prepare(void);
void thread_fork_parent(void);
/* The other threads are not here: their states, and the caller's, are forgotten. */
void thread_fork_child(void);
/* In a forked child, with private tables: what its parent's threads did is not its own doing. */
void thread_restart(void);

#endif
