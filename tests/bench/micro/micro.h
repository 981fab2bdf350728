/*
 * Keeps       what the microbenchmarks share: the clock, random numbers, sizes, threads.
 * Invariant   the same run does the same operations on every machine.
 * Threads     micro_together runs one function in several threads; everything else: any.
 * Memory      none.
 * On failure  one line on standard error and exit 1: a bench has nothing to rescue.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MICRO_THREADS_MAX 2

/* How much is done: --quick only shows that everything runs. */
extern bool micro_quick;

uint64_t micro_now_ns(void);
/* xorshift64* (Vigna). */
uint64_t micro_random(uint64_t *state);
_Noreturn void micro_fail(const char *what);
/* Resident bytes of this process. */
size_t micro_resident(void);
/* Calls work(context, i) in `threads` threads at once, or in this one if that is one; wall time. */
uint64_t micro_together(unsigned threads, void (*work)(void *context, unsigned thread),
                        void *context);
/* Runs `part` in a child of its own, so that no part finds the tables or the memory of another. */
void micro_alone(void (*part)(const void *argument), const void *argument);

/* The parts; each prints its table. */
void live_speed(void);
void counter_speed(void);
void capture_speed(void);

#endif
