#include "stack/interned.h"
#include "base/sys.h"

#include <stddef.h>
#include <sys/mman.h>

static size_t interned_bytes(uint32_t slots)
{
    return sys_round_to_page(sizeof(struct interned) + (size_t)slots * sizeof(uint32_t));
}

struct interned *interned_make(uint32_t slots)
{
    struct interned *index = sys_map(interned_bytes(slots));
    if (index)
        index->mask = slots - 1;
    return index;
}

void interned_drop(struct interned *index)
{
    sys_unmap(index, interned_bytes(index->mask + 1));
}

void interned_add(struct interned *index, uint64_t hash, uint32_t id)
{
    uint32_t at = (uint32_t)hash;
    while (index->slots[at & index->mask])
        at++;
    uint32_t tag = (uint32_t)(hash >> 32) & ~(INTERNED_MAX - 1);
    store_release(&index->slots[at & index->mask], tag | id); /* INTERNED-SLOT */
    index->used++;
}

/* Nobody adds to the old index any more, so that only those who already look there read it. */
static bool interned_grow(struct interned **index, uint64_t count, interned_hash *hash)
{
    struct interned *old = *index;
    struct interned *bigger = interned_make((old->mask + 1) * 2);
    if (bigger == NULL)
        return false;
    for (uint32_t id = 1; id < count; id++)
        interned_add(bigger, hash(id), id);
    uint32_t mask = old->mask;
    store_release(index, bigger); /* INTERNED */
    /* Behind the first page, where the mask is. */
    SYS3(SYS_madvise, (char *)old + sys_page_size(), interned_bytes(mask + 1) - sys_page_size(),
         MADV_DONTNEED);
    return true;
}

bool interned_has_room(struct interned **index, uint64_t count, interned_hash *hash)
{
    if ((*index)->used < (*index)->mask / 2)
        return true;
    /* Up to three quarters there is room without growing, too. */
    return interned_grow(index, count, hash) || (*index)->used < (*index)->mask / 4 * 3;
}
