/*
 * Keeps       the names of the text report's sections.
 * Invariant   the first are those of enum figures_key.
 * Threads     any.
 * Memory      none.
 * On failure  false where a name is no section's.
 */
#ifndef MEMTRACK_REPORT_SECTION_H
#define MEMTRACK_REPORT_SECTION_H

#include "figures.h"
#include <stdbool.h>

enum section {
    SECTION_LEAKS = FIGURES_KEY_LIMIT,
    SECTION_PHASES,
    SECTION_TIMELINE,
    SECTION_SIZES,
    SECTION_LIFETIMES,
    SECTION_SLACK,
    SECTION_MOVED,
    SECTION_ELSEWHERE,
    SECTION_ALIGNMENT,
    SECTION_MAPPINGS,
    SECTION_MEMORY,
    SECTION_THREADS,
    SECTION_LIMIT,
};

#define SECTION_BIT(section) (1u << (section))

/* Names with commas between, as bits. */
bool section_parse(const char *names, unsigned *sections);

#endif
