#include "figures.h"

#include <stddef.h>
#include <string.h>

static const char *const figures_key_names[FIGURES_KEY_LIMIT] = {
    "live", "peak", "total", "calls", "temporary",
};

static void figures_sum(uint64_t *sum, uint64_t part)
{
    if (__builtin_add_overflow(*sum, part, sum))
        *sum = UINT64_MAX;
}

uint64_t figures_less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

void figures_add(struct figures *sum, const struct figures *part)
{
    figures_sum(&sum->allocs, part->allocs);
    figures_sum(&sum->alloc_bytes, part->alloc_bytes);
    figures_sum(&sum->frees, part->frees);
    figures_sum(&sum->freed_bytes, part->freed_bytes);
    figures_sum(&sum->live_blocks, part->live_blocks);
    figures_sum(&sum->live_bytes, part->live_bytes);
    figures_sum(&sum->peak_blocks, part->peak_blocks);
    figures_sum(&sum->peak_bytes, part->peak_bytes);
    figures_sum(&sum->temporary, part->temporary);
    figures_sum(&sum->reallocs, part->reallocs);
    figures_sum(&sum->zero_size, part->zero_size);
    figures_sum(&sum->failed, part->failed);
    figures_sum(&sum->inherited_blocks, part->inherited_blocks);
    figures_sum(&sum->inherited_bytes, part->inherited_bytes);
    if (part->largest > sum->largest)
        sum->largest = part->largest;
}

uint64_t figures_value(const struct figures *figures, enum figures_key key)
{
    switch (key) {
    case FIGURES_LIVE:
        return figures->live_bytes;
    case FIGURES_PEAK:
        return figures->peak_bytes;
    case FIGURES_TOTAL:
        return figures->alloc_bytes;
    case FIGURES_CALLS:
        return figures->allocs;
    default:
        return figures->temporary;
    }
}

uint64_t figures_count(const struct figures *figures, enum figures_key key)
{
    switch (key) {
    case FIGURES_LIVE:
        return figures->live_blocks;
    case FIGURES_PEAK:
        return figures->peak_blocks;
    case FIGURES_TEMPORARY:
        return figures->temporary;
    default:
        return figures->allocs;
    }
}

const char *figures_key_name(enum figures_key key)
{
    return key < FIGURES_KEY_LIMIT ? figures_key_names[key] : "";
}

bool figures_key_parse(const char *name, enum figures_key *key)
{
    for (size_t i = 0; i < FIGURES_KEY_LIMIT; i++) {
        if (strcmp(name, figures_key_names[i]) == 0) {
            *key = (enum figures_key)i;
            return true;
        }
    }
    return false;
}
