/*
 * Keeps       what a program that was annotated for LeakSanitizer defines for it to call: is it turned off, and
 *             which leaks are known.
 * Invariant   the program's functions are called outside of the shim, with no lock of ours held, at its end.
 * Threads     lsan_start: the first thread; the others: whoever ends the process.
 * Memory      static.
 * On failure  a function that is not found is not there.
 */
#ifndef MEMTRACK_HOOK_LSAN_H
#define MEMTRACK_HOOK_LSAN_H

#include <stdbool.h>

/* Looks among the exported symbols, while the shim comes up: where libc finds none it calls malloc. */
void lsan_start(void);
/* __lsan_is_turned_off */
bool lsan_is_turned_off(void);
/* __lsan_default_suppressions; NULL: none. */
const char *lsan_suppressions(void);

#endif
