/*
 * Keeps       tests that need a process of their own: the shim's state is static and comes up once.
 * Invariant   a child ends by _exit: it runs no handler of the parent, and no other test.
 * Threads     call from the only thread.
 * Memory      none.
 * On failure  what was required is printed, and the child ends with status 99.
 */
#ifndef MEMTRACK_TESTS_CHILD_H
#define MEMTRACK_TESTS_CHILD_H

#include <stdio.h>
#include <unistd.h>

/* Runs `work` in a forked child. Its exit status, 0 if it returned; 128 + n if signal n ended it.
 */
int child_run(void (*work)(void));

/* In a child: cmocka's own assertions would go on with the parent's tests there. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                     \
            _exit(99);                                                                             \
        }                                                                                          \
    } while (0)

/* A new empty folder for the calling process's files; its absolute path. Once per process. */
const char *child_folder(void);
/* `name` in that folder, made by the first call of either. Valid until the next call. */
const char *child_file(const char *name);
/* Removes the folder and the files in it. */
void child_folder_remove(void);

#endif
