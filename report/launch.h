/*
 * Keeps       the one child of `memtrack run`: starting it, handing it signals, waiting for it.
 * Invariant   the child is in our process group and has our descriptors, signal mask and
 *             dispositions, as if we had not been there. What the terminal's keyboard sends
 *             reaches it without us, so that is not handed on.
 * Threads     the only thread of the process; SIGCHLD and all signals handed on are blocked while
 *             it waits.
 * Memory      none.
 * On failure  -errno: no child was made.
 */
#ifndef MEMTRACK_LAUNCH_H
#define MEMTRACK_LAUNCH_H

#include <sys/types.h>

struct launch {
    pid_t pid;
    int exec_error;  /* errno of execvp; 0: the program was started */
    int wait_status; /* as waitpid returned it */
};

/* Runs the program as execvp finds it, with this environment, and waits for its end. */
int launch_program(char **argv, char **environment, struct launch *launch);
/* Ends this process as the program ended: dies by the same signal, without a core of our own.
   Returns the exit code where the program has exited. */
int launch_mimic(int wait_status);

#endif
