#include "shorten.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *exact;
    const char *usual;
} shorten_names[] = {
    {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
     "std::string"},
    {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>>",
     "std::string"},
    {"std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"},
    {"std::__cxx11::", "std::"},
};

/* Templates that hardly anybody names as an argument: they stand there by default. */
static const char *const shorten_defaults[] = {
    ", std::allocator<", ", std::less<",     ", std::char_traits<",
    ", std::hash<",      ", std::equal_to<", ", std::default_delete<",
};

/* Behind the bracket that closes the one before `at`, or NULL. */
static const char *close_of(const char *at)
{
    for (int depth = 1; *at != '\0'; at++) {
        if (*at == '<')
            depth++;
        else if (*at == '>' && --depth == 0)
            return at + 1;
    }
    return NULL;
}

/* Behind a default argument that begins here, or NULL. */
static const char *skip_default(const char *at)
{
    for (size_t i = 0; i < sizeof shorten_defaults / sizeof shorten_defaults[0]; i++) {
        size_t length = strlen(shorten_defaults[i]);
        if (strncmp(at, shorten_defaults[i], length) == 0)
            return close_of(at + length);
    }
    return NULL;
}

/* Behind all default arguments that begin here, if they are the last ones of a template; else `at`.
   Parameters of a function end in a parenthesis, and stay. */
static const char *skip_defaults(const char *at)
{
    const char *end = at, *next;
    while ((next = skip_default(end)) != NULL)
        end = next;
    if (end != at && end[0] == ' ' && end[1] == '>')
        end++;
    return *end == '>' ? end : at;
}

/* Takes over one exact name, if one stands here; how much of `from` that was. */
static size_t take_name(const char *from, char **to)
{
    for (size_t i = 0; i < sizeof shorten_names / sizeof shorten_names[0]; i++) {
        size_t exact = strlen(shorten_names[i].exact), usual = strlen(shorten_names[i].usual);
        if (strncmp(from, shorten_names[i].exact, exact) == 0) {
            memcpy(*to, shorten_names[i].usual, usual);
            *to += usual;
            return exact;
        }
    }
    return 0;
}

char *shorten_name(const char *function)
{
    char *name = malloc(strlen(function) + 1);
    char *to = name;
    if (name == NULL)
        return NULL;
    for (const char *from = function; *from != '\0';) {
        const char *kept = *from == ',' ? skip_defaults(from) : from;
        size_t taken = kept == from ? take_name(from, &to) : (size_t)(kept - from);
        if (taken == 0) {
            *to++ = *from;
            taken = 1;
        }
        from += taken;
    }
    *to = '\0';
    return name;
}
