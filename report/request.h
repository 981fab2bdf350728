/*
 * Keeps       what is asked of a running process, and what the kernel tells of it.
 * Invariant   a process that is sent a signal from here catches it: it is never harmed.
 * Threads     one thread.
 * Memory      none.
 * On failure  -errno, and one line that names the process and the remedy.
 */
#ifndef MEMTRACK_REPORT_REQUEST_H
#define MEMTRACK_REPORT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A process id as people write it. */
bool request_parse_pid(const char *text, int *pid);
/* Sends MTF_ASK_* to a process that was found to be tracked. */
int request_send(int pid, uint64_t request, char *message, size_t message_size);
/* Its state as in field 3 of /proc/PID/stat ('R', 'S', 'T', ...); 0 if it is gone. */
char request_state(int pid);

#endif
