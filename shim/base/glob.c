#include "base/glob.h"

#include <stddef.h>

/* Where `*` was met last, what follows it may begin one character later. */
static bool glob_fits(const char *pattern, const char *end, const char *name)
{
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (pattern < end && *pattern == '*') {
            star = pattern++;
            from = name;
        } else if (pattern < end && (*pattern == '?' || *pattern == *name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++from;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

bool glob_fits_any(const char *patterns, const char *name)
{
    for (const char *pattern = patterns;; pattern++) {
        const char *end = pattern;
        while (*end && *end != ',')
            end++;
        if (glob_fits(pattern, end, name))
            return true;
        if (*end == '\0')
            return false;
        pattern = end;
    }
}
