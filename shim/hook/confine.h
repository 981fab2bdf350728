/*
 * Keeps       what the shim does when its host confines itself (seccomp): from then on it makes no system call
 *             that the host's own malloc and threads do not need as well, since a filter may kill for it.
 * Invariant   once PR_SET_NO_NEW_PRIVS or PR_SET_SECCOMP was granted, sys_confined stays true: the first is what
 *             comes before a filter, and the call that sets one may be one that we do not see.
 * Threads     any.
 * Memory      tables are grown ahead, as the file cannot grow any more.
 * On failure  what would need a forbidden call is not done: no leak check, no map of the address space, no
 *             summary line; events without room are counted as missed.
 */
#ifndef MEMTRACK_HOOK_CONFINE_H
#define MEMTRACK_HOOK_CONFINE_H

/* Looks up the next definition. In the constructor. */
void confine_start(void);

#endif
