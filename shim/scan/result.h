/*
 * Keeps       what the leak check at the end found, and what follows from it: words of the summary line,
 *             and the exit code that the options ask for.
 * Threads     the holder of LOCK_START.
 * Memory      static.
 * On failure  a check that could not be made says so in the summary line.
 */
#ifndef MEMTRACK_SCAN_RESULT_H
#define MEMTRACK_SCAN_RESULT_H

#include "base/say.h"
#include "memtrack/format.h"
#include "scan/threads.h"
#include <stdbool.h>
#include <stdint.h>

/* Checks for leaks, unless the options forbid it, and lists blocks (BLOCKS). The calling thread's stack
   is in use from `sp` at the lowest. `turned_off`: by the program; that is all that is noted. False: no blocks
   were listed. */
bool result_at_end(const struct stopped_thread *interrupted, bool turned_off, uintptr_t sp);
/* The same before the end, once, in its place: what is lost later does not count (__lsan_do_leak_check). */
bool result_for_good(mtf_name_ref label, uintptr_t sp);
/* Was there such a check? */
bool result_stands(void);
/* "; definitely lost: …" for each kind that was found; nothing where nothing was lost. */
void result_say(struct say_line *line);
/* The exit code that the options ask for because of what was found; 0: the process's own. */
int result_exit_code(void);
/* In a forked child: nothing was checked yet. */
void result_fork_child(void);

#endif
