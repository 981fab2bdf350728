#include "wildcard.h"

#include <stddef.h>
#include <string.h>

/* Where `*` was met last, what follows it may begin one character later. */
bool wildcard_match(const char *pattern, const char *string)
{
    const char *star = NULL, *from = NULL;
    if (strpbrk(pattern, "*?") == NULL)
        return strcmp(pattern, string) == 0;
    while (*string != '\0') {
        const char *literal = *pattern == '\\' ? pattern + 1 : pattern;
        if (*pattern == '*') {
            star = pattern++;
            from = string;
        } else if (*pattern == '?' || *literal == *string) {
            pattern = literal + 1;
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

/* As LeakSanitizer does it: each piece is looked for once, at its first place behind the piece before,
   and the end is only that of the string if that place is there. */
bool wildcard_search(const char *pattern, const char *string)
{
    bool begins = *pattern == '^', star = false;
    if (*string == '\0')
        return false;
    pattern += begins;
    while (*pattern != '\0') {
        if (*pattern == '*') {
            pattern++;
            begins = false;
            star = true;
            continue;
        }
        if (*pattern == '$')
            return *string == '\0' || star;
        size_t length = strcspn(pattern, "*$");
        const char *found = memmem(string, strlen(string), pattern, length);
        if (found == NULL || (begins && found != string))
            return false;
        string = found + length;
        pattern += length;
        begins = star = false;
    }
    return true;
}
