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

/* Valgrind's: the whole string, `*` for any characters, `?` for one, and beside these a backslash that
   takes the next character as it is. Without `*` and `?` the pattern is the string. */
bool wildcard_match(const char *pattern, const char *string);
/* LeakSanitizer's: any part of the string, `*` for any characters, `^` at the pattern's begin for the
   string's, `$` for the string's end. The empty string fits nothing. */
bool wildcard_search(const char *pattern, const char *string);

#endif
