/*
 * Keeps       what a leak check must know of a thread that stands still: where its stack is in use, and
 *             what its registers hold.
 * Threads     written by each thread for itself, or for it while it stands still.
 * Memory      the checker's.
 */
#ifndef MEMTRACK_SCAN_THREADS_H
#define MEMTRACK_SCAN_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#define THREADS_REGISTERS 32u

struct stopped_thread {
    int32_t tid;
    uint32_t register_count;
    uintptr_t sp; /* the stack is in use from here upwards, red zone included; 0 if not known */
    uintptr_t
        pointer; /* the thread pointer, where libc's own block for the thread is; 0 if not known */
    uintptr_t registers[THREADS_REGISTERS];
};

#endif
