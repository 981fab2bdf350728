#include "measure/usage.h"
#include "base/heap.h"
#include "store/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define USAGE_INDEX_FIRST 1024u

/* By site: 1 + index of its record; LOCK_TOTAL. */
static uint32_t *usage_index;
static uint32_t usage_index_size;

static bool usage_index_holds(uint32_t site)
{
    uint32_t size = usage_index_size ? usage_index_size : USAGE_INDEX_FIRST;
    while (size <= site)
        size *= 2;
    if (size == usage_index_size)
        return true;
    uint32_t *bigger = heap_alloc(size * sizeof *bigger);
    if (bigger == NULL)
        return false;
    if (usage_index_size)
        memcpy(bigger, usage_index, usage_index_size * sizeof *bigger);
    heap_free(usage_index, usage_index_size * sizeof *usage_index);
    usage_index = bigger;
    usage_index_size = size;
    return true;
}

static struct mtf_usage *usage_add(uint32_t site)
{
    uint64_t index = file_reserve(MTF_KIND_USAGE, 1);
    if (index == FILE_FULL)
        return NULL;
    struct mtf_usage *record = (struct mtf_usage *)file_table(MTF_KIND_USAGE) + index;
    *record = (struct mtf_usage){.site = site};
    file_publish(MTF_KIND_USAGE, index + 1);
    usage_index[site] = (uint32_t)index + 1;
    return record;
}

struct mtf_usage *usage_of(uint32_t site)
{
    if (!usage_index_holds(site))
        return NULL;
    uint32_t known = usage_index[site];
    if (known)
        return (struct mtf_usage *)file_table(MTF_KIND_USAGE) + known - 1;
    return usage_add(site);
}

void usage_restart(void)
{
    file_clear(MTF_KIND_USAGE);
    if (usage_index_size)
        memset(usage_index, 0, usage_index_size * sizeof *usage_index);
}
