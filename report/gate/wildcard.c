#include "wildcard.h"

#include <stddef.h>
#include <string.h>

/* Where `*` was met last, what follows it may begin one character later. */
bool wildcard_match(const char *pattern, const char *string)
{
    const char *star = NULL, *from = NULL;
    while (*string != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            from = string;
        } else if (*pattern == '?' || *pattern == *string) {
            pattern++;
            string++;
        } else if (star != NULL) {
            pattern = star + 1;
            string = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* Is it at the very place `string` (or, where `tail`, at the string's end)? */
static const char *piece_find(const char *string, const char *piece, size_t length, bool here,
                              bool tail)
{
    if (here && tail)
        return strlen(string) == length && memcmp(string, piece, length) == 0 ? string : NULL;
    if (here)
        return strncmp(string, piece, length) == 0 ? string : NULL;
    if (tail) {
        size_t whole = strlen(string);
        if (whole < length || memcmp(string + whole - length, piece, length) != 0)
            return NULL;
        return string + whole - length;
    }
    return memmem(string, strlen(string), piece, length);
}

bool wildcard_search(const char *pattern, const char *string)
{
    bool here = *pattern == '^';
    if (here)
        pattern++;
    for (;;) {
        size_t length = strcspn(pattern, "*");
        bool last = pattern[length] == '\0';
        bool tail = last && length > 0 && pattern[length - 1] == '$';
        const char *found = piece_find(string, pattern, length - tail, here, tail);
        if (found == NULL)
            return false;
        if (last)
            return true;
        string = found + length;
        pattern += length + 1;
        here = false;
    }
}
