#include "hook/follow.h"
#include "base/heap.h"
#include "base/option.h"
#include "stack/module_path.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FOLLOW_PRELOAD "LD_PRELOAD="
#define FOLLOW_OPTIONS "MEMTRACK_OPTIONS="

/* Written once, by follow_start. */
static char *follow_library; /* our path, absolute; NULL: not loaded by LD_PRELOAD, or no memory */
static char *follow_options; /* the whole entry; NULL: there was none */

static const char *follow_value(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 ? entry + length : NULL;
}

static const char *follow_base(const char *path, size_t length)
{
    const char *base = path;
    for (size_t i = 0; i < length; i++) {
        if (path[i] == '/')
            base = path + i + 1;
    }
    return base;
}

/* Does this word of LD_PRELOAD name our file? By whatever way: relative, or with a $LIB in it. */
static bool follow_is_ours(const char *word, size_t length)
{
    const char *base = follow_base(word, length);
    const char *ours = follow_base(follow_library, strlen(follow_library));
    size_t left = length - (size_t)(base - word);
    return left == strlen(ours) && memcmp(base, ours, left) == 0;
}

/* Takes the next word off the list; 0 at its end. The loader knows both separators. */
static size_t follow_word(const char **list)
{
    *list += strspn(*list, ": ");
    return strcspn(*list, ": ");
}

static bool follow_names_us(const char *list)
{
    size_t length;
    while ((length = follow_word(&list)) > 0) {
        if (follow_is_ours(list, length))
            return true;
        list += length;
    }
    return false;
}

/* Does it name us wherever the program goes? A path from the current folder does not. */
static bool follow_names_us_everywhere(const char *list)
{
    for (size_t length; (length = follow_word(&list)) > 0; list += length) {
        if (follow_is_ours(list, length) &&
            (*list == '/' || *list == '$' || follow_base(list, length) == list))
            return true;
    }
    return false;
}

/* Is this LD_PRELOAD as the option wants it? */
static bool follow_suits(const char *list)
{
    return option.follow == OPTION_FOLLOW_YES ? follow_names_us_everywhere(list)
                                              : !follow_names_us(list);
}

static char *follow_keep(const char *first, const char *second)
{
    size_t size = strlen(first) + strlen(second) + 1;
    char *copy = heap_alloc(size);
    if (copy) {
        strcpy(copy, first);
        strcat(copy, second);
    }
    return copy;
}

void follow_start(void)
{
    char path[MODULE_PATH_MAX];
    Dl_info info;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): in the constructor, before the host's own code
    const char *preload = getenv("LD_PRELOAD"), *options = getenv("MEMTRACK_OPTIONS");
    if (options)
        follow_options = follow_keep(FOLLOW_OPTIONS, options);
    if (preload == NULL || !dladdr((void *)(uintptr_t)follow_start, &info))
        return;
    module_path_find(info.dli_fname, 0, path);
    follow_library = follow_keep("", path);
    if (follow_library && !follow_names_us(preload))
        follow_library = NULL;
}

/* What an environment has of ours. */
struct follow_found {
    size_t count; /* entries, without the NULL */
    size_t bytes; /* of the entry that is rewritten */
    bool options; /* MEMTRACK_OPTIONS is there */
    bool preload; /* LD_PRELOAD is there */
    bool suits;   /* and every one of it is as it is to be */
};

static struct follow_found follow_look(char *const *environment)
{
    struct follow_found found = {.suits = true};
    for (; environment && environment[found.count]; found.count++) {
        const char *entry = environment[found.count];
        const char *list = follow_value(entry, FOLLOW_PRELOAD);
        found.options |= follow_value(entry, FOLLOW_OPTIONS) != NULL;
        if (list == NULL)
            continue;
        found.preload = true;
        found.suits &= follow_suits(list);
        found.bytes += strlen(entry);
    }
    return found;
}

/* Room for all entries, two more, the NULL, and the new LD_PRELOAD. */
size_t follow_room(char *const *environment)
{
    if (option.follow == OPTION_FOLLOW_AS_IS || follow_library == NULL)
        return 0;
    struct follow_found found = follow_look(environment);
    bool complete = found.preload && (found.options || follow_options == NULL);
    bool as_wanted = found.suits && (option.follow == OPTION_FOLLOW_NO || complete);
    size_t bytes = (found.count + 3) * sizeof(char *) + found.bytes + sizeof FOLLOW_PRELOAD +
                   strlen(follow_library) + 1;
    return as_wanted || bytes > FOLLOW_MAX ? 0 : bytes;
}

/* Appends the words of the list that are not ours. Returns the end. */
static char *follow_put_others(char *to, const char *list)
{
    const char *first = to;
    for (size_t length; (length = follow_word(&list)) > 0; list += length) {
        if (follow_is_ours(list, length))
            continue;
        if (to > first)
            *to++ = ':';
        memcpy(to, list, length);
        to += length;
    }
    return to;
}

/* The new LD_PRELOAD at `text`: we come first, since we must see what the others define. */
static bool follow_put_preload(char *text, const char *list)
{
    bool with_us = option.follow == OPTION_FOLLOW_YES;
    char *to = stpcpy(text, FOLLOW_PRELOAD);
    if (with_us) {
        to = stpcpy(to, follow_library);
        *to++ = ':';
    }
    char *end = follow_put_others(to, list);
    if (with_us && end == to)
        end--; /* no others, no colon */
    *end = '\0';
    return with_us || end > to;
}

/* The copy that is made of one environment. */
struct follow_copy {
    char **entries;
    size_t count;
    char *text;
    bool preload; /* has its LD_PRELOAD */
    bool options;
};

static void follow_copy_entry(struct follow_copy *copy, char *entry)
{
    const char *list = follow_value(entry, FOLLOW_PRELOAD);
    copy->options |= follow_value(entry, FOLLOW_OPTIONS) != NULL;
    if (list == NULL || follow_suits(list)) {
        copy->preload |= list != NULL;
        copy->entries[copy->count++] = entry;
        return;
    }
    if (copy->preload) /* the loader takes the first of several */
        return;
    copy->preload = true;
    if (follow_put_preload(copy->text, list))
        copy->entries[copy->count++] = copy->text;
}

char **follow_fill(void *room, char *const *environment)
{
    struct follow_found found = follow_look(environment);
    struct follow_copy copy = {.entries = room};
    copy.text = (char *)(copy.entries + found.count + 3);
    for (size_t i = 0; i < found.count; i++)
        follow_copy_entry(&copy, environment[i]);
    if (option.follow == OPTION_FOLLOW_YES && !copy.preload) {
        follow_put_preload(copy.text, "");
        copy.entries[copy.count++] = copy.text;
    }
    if (option.follow == OPTION_FOLLOW_YES && !copy.options && follow_options)
        copy.entries[copy.count++] = follow_options;
    copy.entries[copy.count] = NULL;
    return copy.entries;
}
