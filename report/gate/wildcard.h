/*
 * Keeps       the two kinds of patterns that suppression files are written in.
 * Invariant   time is at most the product of both lengths, whatever the pattern.
 * Threads     any.
 * Memory      none.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_REPORT_WILDCARD_H
#define MEMTRACK_REPORT_WILDCARD_H

#include <stdbool.h>

/* Valgrind's: the whole string, `*` for any characters, `?` for one. */
bool wildcard_match(const char *pattern, const char *string);
/* LeakSanitizer's: any part of the string, `*` for any characters, `^` and `$` at the pattern's ends for
   those of the string. */
bool wildcard_search(const char *pattern, const char *string);

#endif
