#include "store/path.h"
#include "base/decimal.h"
#include "base/sys.h"
#include "memtrack/format.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PATH_DEFAULT "%e.%p" MTF_SUFFIX

struct path_text {
    char *bytes; /* PATH_MAX_BYTES */
    size_t length;
    bool overflow;
};

static void path_add(struct path_text *text, const char *bytes, size_t length)
{
    if (length >= PATH_MAX_BYTES - text->length) {
        text->overflow = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void path_add_number(struct path_text *text, unsigned long long number)
{
    char digits[DECIMAL_MAX];
    const char *first = decimal_of(number, digits);
    path_add(text, first, (size_t)(digits + DECIMAL_MAX - first));
}

/* A program or host name is one component, whatever it holds. */
static void path_add_component(struct path_text *text, const char *name)
{
    for (; *name; name++)
        path_add(text, *name == '/' ? "_" : name, 1);
}

/* Expands one mark; an unknown one stands for itself. */
static void path_add_mark(struct path_text *text, char mark, const struct path_facts *facts)
{
    switch (mark) {
    case 'e':
        path_add_component(text, facts->program);
        break;
    case 'p':
        path_add_number(text, (unsigned long long)facts->pid);
        break;
    case 't':
        path_add_number(text, (unsigned long long)facts->time_s);
        break;
    case 'h':
        path_add_component(text, facts->host);
        break;
    case '%':
        path_add(text, "%", 1);
        break;
    default:
        path_add(text, "%", 1);
        path_add(text, &mark, 1);
    }
}

static void path_expand(struct path_text *text, const char *pattern, const struct path_facts *facts)
{
    for (const char *c = pattern; *c; c++) {
        if (c[0] == '%' && c[1])
            path_add_mark(text, *++c, facts);
        else
            path_add(text, c, 1);
    }
}

static bool path_names_pid(const char *pattern)
{
    for (const char *c = pattern; c[0] && c[1]; c++) {
        if (c[0] == '%' && *++c == 'p')
            return true;
    }
    return false;
}

/* Puts ".pid" and ".number" before the suffix, or at the end of a name that has another one. */
static void path_distinguish(struct path_text *text, int pid, bool add_pid, unsigned number)
{
    size_t suffix = strlen(MTF_SUFFIX);
    bool has = text->length > suffix &&
               memcmp(text->bytes + text->length - suffix, MTF_SUFFIX, suffix) == 0;
    if (has)
        text->length -= suffix;
    if (add_pid) {
        path_add(text, ".", 1);
        path_add_number(text, (unsigned long long)pid);
    }
    if (number > 1) {
        path_add(text, ".", 1);
        path_add_number(text, number);
    }
    if (has)
        path_add(text, MTF_SUFFIX, suffix);
}

int path_make(char path[PATH_MAX_BYTES], const char *pattern, const struct path_facts *facts,
              unsigned attempt)
{
    struct path_text text = {.bytes = path, .length = 0, .overflow = false};
    bool folder = false;
    bool has_pid = true;

    path[0] = '\0';
    if (*pattern == '\0')
        pattern = PATH_DEFAULT;
    if (*pattern != '/') {
        path_add(&text, facts->folder, strlen(facts->folder));
        if (text.length == 0 || path[text.length - 1] != '/')
            path_add(&text, "/", 1);
    }
    path_expand(&text, pattern, facts);
    if (text.length > 0 && path[text.length - 1] == '/')
        folder = true;
    else if (sys_is_folder(path, &folder) == 0 && folder)
        path_add(&text, "/", 1);
    if (folder)
        path_expand(&text, PATH_DEFAULT, facts);
    else
        has_pid = path_names_pid(pattern);
    if (attempt > 0)
        path_distinguish(&text, facts->pid, !has_pid, has_pid ? attempt + 1 : attempt);
    return text.overflow ? -ENAMETOOLONG : 0;
}
