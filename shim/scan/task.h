/*
 * Keeps       what /proc tells of this process's threads.
 * Threads     any.
 * Memory      the caller's; one descriptor while a list is read.
 * On failure  -errno; a thread of which nothing can be read counts as dead.
 */
#ifndef MEMTRACK_SCAN_TASK_H
#define MEMTRACK_SCAN_TASK_H

#include <stdbool.h>
#include <stdint.h>

struct task_list {
    int fd;
    int length; /* bytes in `entries` */
    int at;
    char entries[2048] __attribute__((aligned(8)));
};

/* 0 or -errno. */
int task_list_begin(struct task_list *list);
/* The next thread's number; 0 at the end. */
int task_list_next(struct task_list *list);
void task_list_end(struct task_list *list);
/* Has it ended, even if it is still there (a first thread that others outlive)? */
bool task_is_dead(int tid);

/* A thread that waits in the kernel. */
struct task_call {
    long number; /* of the system call; -1 if it waits for something else */
    uintptr_t arguments[6];
    uintptr_t sp;
    uintptr_t pc;
};

/* False: it runs, or nothing can be read. */
bool task_call(int tid, struct task_call *call);
/* The same from the text of /proc/PID/task/TID/syscall. */
bool task_call_parse(const char *text, struct task_call *call);

#endif
