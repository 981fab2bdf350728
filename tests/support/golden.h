/*
 * Keeps       comparison of printed text with files in tests/golden.
 * Invariant   run from the root of the tree; MEMTRACK_GOLDEN=write writes the files instead, to be
 *             read before they are committed.
 * Threads     one thread.
 * Memory      none that outlives the call.
 * On failure  the test fails and shows what was printed.
 */
#ifndef MEMTRACK_TESTS_GOLDEN_H
#define MEMTRACK_TESTS_GOLDEN_H

#include <stdbool.h>

/* Is `text` what tests/golden/NAME holds? Says where it is not on stderr. */
bool golden_matches(const char *name, const char *text);

#endif
