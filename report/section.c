#include "section.h"

#include <string.h>

static const char *const section_names[SECTION_LIMIT] = {
    [SECTION_LEAKS] = "leaks",         [SECTION_PHASES] = "phases",
    [SECTION_TIMELINE] = "timeline",   [SECTION_SIZES] = "sizes",
    [SECTION_LIFETIMES] = "lifetimes", [SECTION_SLACK] = "slack",
    [SECTION_MOVED] = "moved",         [SECTION_ELSEWHERE] = "elsewhere",
    [SECTION_ALIGNMENT] = "alignment", [SECTION_MAPPINGS] = "mappings",
    [SECTION_MEMORY] = "memory",       [SECTION_THREADS] = "threads",
};

static const char *section_name(unsigned section)
{
    return section < FIGURES_KEY_LIMIT ? figures_key_name((enum figures_key)section)
                                       : section_names[section];
}

static bool section_find(const char *name, size_t length, unsigned *sections)
{
    for (unsigned i = 0; i < SECTION_LIMIT; i++) {
        const char *known = section_name(i);
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *sections |= SECTION_BIT(i);
            return true;
        }
    }
    return false;
}

bool section_parse(const char *names, unsigned *sections)
{
    *sections = 0;
    for (;;) {
        size_t length = strcspn(names, ",");
        if (!section_find(names, length, sections))
            return false;
        if (names[length] == '\0')
            return true;
        names += length + 1;
    }
}
