#include "measure/usage.h"
#include "base/heap.h"
#include "store/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define USAGE_INDEX_FIRST 1024u

/* Records of one kind, and where each site's is. LOCK_TOTAL */
struct usage_table {
    enum mtf_kind kind;
    uint32_t record_size;
    uint32_t *index; /* by site: 1 + index of its record */
    uint32_t index_size;
};
static struct usage_table usage_table = {MTF_KIND_USAGE, sizeof(struct mtf_usage), NULL, 0};
static struct usage_table usage_lifetimes = {MTF_KIND_LIFETIMES, sizeof(struct mtf_lifetime), NULL,
                                             0};

static bool usage_index_holds(struct usage_table *table, uint32_t site)
{
    uint32_t size = table->index_size ? table->index_size : USAGE_INDEX_FIRST;
    while (size <= site)
        size *= 2;
    if (size == table->index_size)
        return true;
    uint32_t *bigger = heap_alloc(size * sizeof *bigger);
    if (bigger == NULL)
        return false;
    if (table->index_size)
        memcpy(bigger, table->index, table->index_size * sizeof *bigger);
    heap_free(table->index, table->index_size * sizeof *table->index);
    table->index = bigger;
    table->index_size = size;
    return true;
}

/* Both kinds of record begin with their site. */
static void *usage_add(struct usage_table *table, uint32_t site)
{
    uint64_t index = file_reserve(table->kind, 1);
    if (index == FILE_FULL)
        return NULL;
    char *record = (char *)file_table(table->kind) + index * table->record_size;
    memset(record, 0, table->record_size);
    memcpy(record, &site, sizeof site);
    file_publish(table->kind, index + 1);
    table->index[site] = (uint32_t)index + 1;
    return record;
}

static void *usage_record(struct usage_table *table, uint32_t site)
{
    if (!usage_index_holds(table, site))
        return NULL;
    uint32_t known = table->index[site];
    if (known)
        return (char *)file_table(table->kind) + (size_t)(known - 1) * table->record_size;
    return usage_add(table, site);
}

struct mtf_usage *usage_of(uint32_t site)
{
    return usage_record(&usage_table, site);
}

struct mtf_lifetime *usage_lifetime_of(uint32_t site)
{
    return usage_record(&usage_lifetimes, site);
}

void usage_set_usable(const uint64_t *usable, uint64_t count)
{
    struct mtf_usage *records = file_table(MTF_KIND_USAGE);
    for (uint64_t i = 0; i < file_count(MTF_KIND_USAGE); i++)
        records[i].usable_bytes = 0;
    for (uint64_t site = 0; site < count; site++) {
        struct mtf_usage *record = usable[site] ? usage_of((uint32_t)site) : NULL;
        if (record)
            record->usable_bytes = usable[site];
    }
}

static void usage_empty(struct usage_table *table)
{
    file_clear(table->kind);
    if (table->index_size)
        memset(table->index, 0, table->index_size * sizeof *table->index);
}

void usage_restart(void)
{
    usage_empty(&usage_table);
    usage_empty(&usage_lifetimes);
}
