/*
 * Keeps       signals that libc lets nobody use: sent and handled by system calls alone.
 * Threads     any.
 * Memory      none.
 * On failure  -errno.
 */
#ifndef MEMTRACK_SCAN_SIGNAL_RAW_H
#define MEMTRACK_SCAN_SIGNAL_RAW_H

#include <signal.h>
#include <stdint.h>

/* The kernel's struct sigaction. */
struct signal_raw {
    void (*handler)(int number, siginfo_t *info, void *context);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* Installs a handler that runs with all signals blocked, on the alternate stack where there is one;
   *before, unless NULL, is what was there. 0 or -errno. */
int signal_raw_set(int number, void (*handler)(int number, siginfo_t *info, void *context),
                   struct signal_raw *before);
/* The action that is there now. */
int signal_raw_get(int number, struct signal_raw *now);
void signal_raw_restore(int number, const struct signal_raw *before);
/* Does what that action would have done, if it is a handler. */
void signal_raw_pass(const struct signal_raw *before, int number, siginfo_t *info, void *context);
/* To a thread of this process, with a value and a number (si_errno). 0 or -errno. */
int signal_raw_send(int tid, int number, void *value, uint32_t round);
static inline uint32_t signal_raw_round(const siginfo_t *info)
{
    return (uint32_t)info->si_errno;
}

#endif
