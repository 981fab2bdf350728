/*
 * Keeps       what programs that this one executes get of memtrack's environment variables (option follow):
 *             as the program has them, always, or never.
 * Invariant   the host's own arrays and strings are never changed; other variables and other preloaded
 *             libraries stay as they are, in their order.
 * Threads     any, also in a vfork child: what is made lies on the caller's stack.
 * Memory      two strings from the start on.
 * On failure  without memory for these, or with more than FOLLOW_MAX bytes to copy, the environment is left
 *             alone.
 */
#ifndef MEMTRACK_HOOK_FOLLOW_H
#define MEMTRACK_HOOK_FOLLOW_H

#include <alloca.h>
#include <stddef.h>

/* A copy lies on a stack: the kernel's default is 8 MiB, a thread's may be far smaller. */
#define FOLLOW_MAX 65536u

/* Remembers the variables that this process was started with. In the constructor. */
void follow_start(void);
/* Bytes that follow_fill needs; 0: the environment is as it is to be. `environment` may be NULL. */
size_t follow_room(char *const *environment);
/* What the executed program is to get, made in `room`. */
char **follow_fill(void *room, char *const *environment);

/* The environment to pass on, valid until the calling function returns. */
#define FOLLOW(environment)                                                                        \
    __extension__({                                                                                \
        char *const *follow_given = (environment);                                                 \
        size_t follow_bytes = follow_room(follow_given);                                           \
        follow_bytes ? follow_fill(alloca(follow_bytes), follow_given) : follow_given;             \
    })

#endif
