#include "scan/pages.h"
#include "base/sys.h"

#include <fcntl.h>

/* Of an entry of /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst of Linux. */
#define PAGES_PRESENT (1ull << 63)
#define PAGES_SWAPPED (1ull << 62)
#define PAGES_OF_FILE (1ull << 61) /* not this process's own copy */
#define PAGES_GUARD (1ull << 58)   /* MADV_GUARD_INSTALL, since Linux 6.15 */

void pages_start(struct pages *pages)
{
    pages->fd = sys_open("/proc/thread-self/pagemap", O_RDONLY, 0);
    pages->page = sys_page_size();
}

void pages_end(struct pages *pages)
{
    if (pages->fd >= 0)
        sys_close(pages->fd);
    pages->fd = -1;
}

static bool pages_read_entries(struct pages *pages, uintptr_t page, size_t count)
{
    if (pages->fd < 0)
        return false;
    size_t bytes = count * sizeof *pages->entries;
    long got;
    do {
        got = SYS4(SYS_pread64, pages->fd, pages->entries, bytes,
                   page / pages->page * sizeof *pages->entries);
    } while (got == -4); /* EINTR */
    return got == (long)bytes;
}

/* A page of private memory. What is not in memory but was: guard pages look so to kernels that have them
   and do not tell. */
static bool pages_holds_private(const struct pages *pages, size_t i, uintptr_t page, bool file)
{
    uint64_t entry = pages->entries[i];
    if (entry & PAGES_GUARD)
        return false;
    if (entry & PAGES_PRESENT)
        return !file || !(entry & PAGES_OF_FILE);
    return (entry & PAGES_SWAPPED) && sys_readable((const void *)page);
}

/* Shared memory may hold what others wrote. A page that is not in the kernel's cache would be made by
   reading it, or lies past the end of its file. */
static bool pages_holds_shared(const struct pages *pages, size_t i, uintptr_t page)
{
    return (pages->resident[i] & 1) && sys_readable((const void *)page);
}

/* Fills in what is to be known of `count` pages. False: nothing is known of them. */
static bool pages_look_up(struct pages *pages, uint32_t flags, uintptr_t page, size_t count)
{
    if (flags & SPACE_SHARED)
        return SYS3(SYS_mincore, page, count * pages->page, pages->resident) == 0;
    return pages_read_entries(pages, page, count);
}

static bool pages_holds(const struct pages *pages, uint32_t flags, bool known, size_t i,
                        uintptr_t page)
{
    if (!known)
        return sys_readable((const void *)page);
    if (flags & SPACE_SHARED)
        return pages_holds_shared(pages, i, page);
    return pages_holds_private(pages, i, page, flags & SPACE_FILE);
}

struct pages_stretch {
    uintptr_t from;
    uintptr_t to;
};

static void pages_give(struct pages_stretch *stretch, pages_visit visit, void *context)
{
    if (stretch->from < stretch->to)
        visit((const uintptr_t *)stretch->from, (const uintptr_t *)stretch->to, context);
    stretch->from = stretch->to;
}

void pages_each(struct pages *pages, const struct space_area *area, uintptr_t start, uintptr_t end,
                pages_visit visit, void *context)
{
    uintptr_t page = start & ~(pages->page - 1);
    struct pages_stretch stretch = {start, start};
    if (!(area->flags & SPACE_READ) || (area->flags & SPACE_UNTOLD))
        return;
    while (page < end) {
        size_t count = (end - page + pages->page - 1) / pages->page;
        if (count > PAGES_BATCH)
            count = PAGES_BATCH;
        bool known = pages_look_up(pages, area->flags, page, count);
        for (size_t i = 0; i < count; i++, page += pages->page) {
            bool holds = pages_holds(pages, area->flags, known, i, page);
            if (!holds)
                pages_give(&stretch, visit, context);
            stretch.to = page + pages->page < end ? page + pages->page : end;
            if (!holds)
                stretch.from = stretch.to;
        }
    }
    pages_give(&stretch, visit, context);
}
