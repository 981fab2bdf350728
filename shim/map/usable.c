#include "map/usable.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "store/file.h"
#include "track/event.h"
#include "track/total.h"

/* The word in front of glibc's blocks: the chunk's size, and bits of which this one says that it is a
   mapping of its own, with two words in front instead of one. */
#define USABLE_BITS 7ull
#define USABLE_MAPPED 2ull
/* More than this above the request is no rounding: the word was overwritten. */
#define USABLE_MOST_SLACK (64ull << 10)
/* By rule, blocks of this size that lie like this in their page are mappings. */
#define USABLE_MAPPED_LEAST (128u << 10)
#define USABLE_MAPPED_AT (2 * sizeof(size_t))

/* What glibc makes of a request: a size word, rounded up to 16, 32 at the least; or whole pages. */
static uint64_t usable_by_rule(uintptr_t at, size_t size)
{
    uint64_t chunk = ((uint64_t)size + sizeof(size_t) + 15) & ~15ull;
    if (size >= USABLE_MAPPED_LEAST && at % sys_page_size() == USABLE_MAPPED_AT)
        return sys_round_to_page(size + USABLE_MAPPED_AT) - USABLE_MAPPED_AT;
    return (chunk < 32 ? 32 : chunk) - sizeof(size_t);
}

static uint64_t usable_by_word(uintptr_t at, uint64_t word, size_t size)
{
    uint64_t head = word & USABLE_MAPPED ? USABLE_MAPPED_AT : sizeof(size_t);
    uint64_t usable = (word & ~USABLE_BITS) - head;
    return usable >= size && usable - size < USABLE_MOST_SLACK ? usable : usable_by_rule(at, size);
}

/* May the word in front of the block be read? With one thread nobody frees it meanwhile. */
static bool usable_is_readable(struct usable *usable, uintptr_t at)
{
    uintptr_t page = (at - sizeof(size_t)) / sys_page_size();
    if (!*lock_single)
        return false;
    if (page != usable->page) {
        usable->page = page;
        usable->page_is_readable = sys_readable((const char *)at - sizeof(size_t));
    }
    return usable->page_is_readable;
}

void usable_begin(struct usable *usable)
{
    *usable = (struct usable){.sites = file_count(MTF_KIND_SITES)};
    usable->by_site = heap_alloc(usable->sites * sizeof *usable->by_site);
}

void usable_add(struct usable *usable, uintptr_t at, const struct live_block *block)
{
    if (file_header->flags & MTF_FLAG_NEXT_ALLOCATOR)
        return;
    uint64_t bytes = usable_is_readable(usable, at)
                         ? usable_by_word(at, *((const size_t *)at - 1), block->size)
                         : usable_by_rule(at, block->size);
    usable->all += bytes;
    if (usable->by_site && block->site < usable->sites && block->sequence > event_inherited)
        usable->by_site[block->site] += bytes;
}

void usable_end(struct usable *usable)
{
    if (usable->by_site == NULL)
        return;
    total_set_usable(usable->by_site, usable->sites);
    heap_free(usable->by_site, usable->sites * sizeof *usable->by_site);
    usable->by_site = NULL;
}
