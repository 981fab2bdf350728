/*
 * Keeps       what others ask of the process while it runs: checks for leaks (memtrack leaks PID, option
 *             signal=), and to look once more before a signal ends it (option end_signal=).
 * Invariant   a signal that comes while its thread is inside the shim is put off until it has left.
 * Threads     handlers, on any thread, with all signals blocked.
 * Memory      static.
 * On failure  a check that cannot begin now is not made; whoever asks from outside asks again.
 */
#ifndef MEMTRACK_HOOK_ASK_H
#define MEMTRACK_HOOK_ASK_H

/* Once the options are known, in the process's first thread. */
void ask_start(void);
/* The calling thread has left the shim: sends it again what was put off. */
void ask_catch_up(void);

#endif
