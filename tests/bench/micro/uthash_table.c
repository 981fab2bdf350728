#include "uthash_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

#define PARTS 64

struct uthash_entry {
    const void *address;
    struct live_block block;
    UT_hash_handle hh;
};

static struct uthash_part {
    pthread_mutex_t lock;
    struct uthash_entry *entries;
} __attribute__((aligned(64))) uthash_parts[PARTS];

/* A zeroed mutex is glibc's initialised one. */
static struct uthash_part *uthash_part_of(const void *address)
{
    uint64_t hash = (uintptr_t)address * 0x9e3779b97f4a7c15u;
    return &uthash_parts[hash >> 58];
}

void uthash_table_insert(const void *address, const struct live_block *block)
{
    struct uthash_entry *entry = malloc(sizeof *entry);
    struct uthash_part *part = uthash_part_of(address);
    if (entry == NULL)
        abort();
    entry->address = address;
    entry->block = *block;
    pthread_mutex_lock(&part->lock);
    HASH_ADD_PTR(part->entries, address, entry);
    pthread_mutex_unlock(&part->lock);
}

bool uthash_table_remove(const void *address, struct live_block *block)
{
    struct uthash_part *part = uthash_part_of(address);
    struct uthash_entry *entry;
    pthread_mutex_lock(&part->lock);
    HASH_FIND_PTR(part->entries, &address, entry);
    if (entry)
        HASH_DEL(part->entries, entry);
    pthread_mutex_unlock(&part->lock);
    if (entry == NULL)
        return false;
    *block = entry->block;
    free(entry);
    return true;
}
