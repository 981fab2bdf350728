#include "scan/libc_memory.h"
#include "base/sys.h"
#include "thread.h" /* of the architecture */

/* glibc's malloc.c: the word before a block holds its chunk's size and these bits. */
#define CHUNK_MAPPED 2u
#define CHUNK_OTHER_ARENA 4u
#define CHUNK_BITS 7u
#define CHUNK_HEAD (2 * sizeof(size_t))
/* glibc's arena.c: HEAP_MAX_SIZE is twice the largest DEFAULT_MMAP_THRESHOLD, on 64 bits. */
#define ARENA_HEAP_BYTES (64ul << 20)
/* Far more than glibc's struct pthread has, with which the mapping of a stack ends. */
#define STACK_TOP_BYTES (64ul << 10)

static uintptr_t libc_memory_main; /* thread pointer of the first thread; written at the start */
static bool libc_memory_knows_ids; /* ARCH_THREAD_ID is where this glibc has it; likewise */

static int32_t libc_memory_id(uintptr_t thread_pointer)
{
    return *(const int32_t *)(thread_pointer + ARCH_THREAD_ID);
}

void libc_memory_start(void)
{
    libc_memory_main = arch_thread_pointer();
    libc_memory_knows_ids = ARCH_THREAD_BYTES && libc_memory_id(libc_memory_main) == sys_gettid();
}

static bool libc_memory_is_plain(const struct space_area *area)
{
    return area && (area->flags & SPACE_READ) && !(area->flags & (SPACE_SHARED | SPACE_FILE));
}

/* A chunk that is a mapping of its own: what lies before it in the mapping is in the word before its
   size. */
static void libc_memory_add_mapped(uintptr_t block, size_t size_word, size_t page,
                                   struct ranges *ranges)
{
    uintptr_t start = block - CHUNK_HEAD - ((const size_t *)block)[-2];
    uintptr_t end = block - CHUNK_HEAD + (size_word & ~(size_t)CHUNK_BITS);
    if (start % page == 0 && end % page == 0 && start < block && end > block)
        ranges_add(ranges, start, end);
}

static void libc_memory_add_chunk(uintptr_t block, size_t page, struct space *space,
                                  struct ranges *ranges)
{
    if (!libc_memory_is_plain(space_at(space, block - CHUNK_HEAD)) ||
        !libc_memory_is_plain(space_at(space, block - 1)))
        return;
    size_t size_word = ((const size_t *)block)[-1];
    uintptr_t heap = block & ~(ARENA_HEAP_BYTES - 1);
    if (size_word & CHUNK_MAPPED)
        libc_memory_add_mapped(block, size_word, page, ranges);
    else if (size_word & CHUNK_OTHER_ARENA)
        ranges_add(ranges, heap, heap + ARENA_HEAP_BYTES);
}

/* An arena's heap that holds no block now: aligned to its size, and the rest of it is not accessible
   yet. */
static void libc_memory_add_empty_arenas(const struct space *space, struct ranges *ranges)
{
    for (uint32_t i = 0; i + 1 < space->count; i++) {
        const struct space_area *area = &space->areas[i], *rest = area + 1;
        if (area->start % ARENA_HEAP_BYTES == 0 && libc_memory_is_plain(area) &&
            rest->start == area->end && rest->end >= area->start + ARENA_HEAP_BYTES &&
            !(rest->flags & (SPACE_READ | SPACE_WRITE | SPACE_EXEC)))
            ranges_add(ranges, area->start, area->end);
    }
}

static void libc_memory_add_break(const struct space *space, struct ranges *ranges)
{
    for (uint32_t i = 0; i < space->count; i++) {
        if (space->areas[i].flags & SPACE_BREAK)
            ranges_add(ranges, space->areas[i].start, space->areas[i].end);
    }
}

/* Of an allocator that we do not know: whole areas in which its blocks are. */
static void libc_memory_add_area(uintptr_t block, struct space *space, struct ranges *ranges)
{
    const struct space_area *area = space_at(space, block);
    if (libc_memory_is_plain(area))
        ranges_add(ranges, area->start, area->end);
}

void libc_memory_heaps(const struct census *census, struct space *space, bool glibc,
                       struct ranges *ranges)
{
    uintptr_t known = 0; /* up to here the range added last reaches */
    size_t page = 4096;
    if (glibc) {
        libc_memory_add_break(space, ranges);
        libc_memory_add_empty_arenas(space, ranges);
    }
    for (uint32_t i = 0; i < census->count; i++) {
        if (census->states[i] & (CENSUS_MAPPING | CENSUS_POOLED))
            continue;
        uintptr_t block = census->blocks[i].start;
        const struct space_area *area = space_at(space, block);
        if (block < known || (glibc && area && (area->flags & SPACE_BREAK)))
            continue;
        if (glibc)
            libc_memory_add_chunk(block, page, space, ranges);
        else
            libc_memory_add_area(block, space, ranges);
        if (ranges->count && ranges->at[ranges->count - 1].start <= block)
            known = ranges->at[ranges->count - 1].end;
    }
}

static bool libc_memory_is_alive(uintptr_t block, const struct stopped_thread *threads,
                                 uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (threads[i].pointer == block)
            return true;
    }
    return false;
}

struct libc_memory_search {
    const struct stopped_thread *threads;
    uint32_t thread_count;
    uintptr_t dead; /* the highest control block of an ended thread; 0 if there is none */
    bool alive;     /* a thread that lives has its control block here */
};

static void libc_memory_seek_block(const uintptr_t *from, const uintptr_t *to, void *context)
{
    struct libc_memory_search *search = context;
    uintptr_t at =
        ((uintptr_t)from + ARCH_THREAD_BLOCK_ALIGN - 1) & ~(uintptr_t)(ARCH_THREAD_BLOCK_ALIGN - 1);
    for (; at + ARCH_THREAD_BLOCK_BYTES <= (uintptr_t)to; at += ARCH_THREAD_BLOCK_ALIGN) {
        if (!arch_is_thread_block(at))
            continue;
        if (at == libc_memory_main ||
            libc_memory_is_alive(at, search->threads, search->thread_count))
            search->alive = true;
        else
            search->dead = at;
    }
}

bool libc_memory_main_lives(const struct stopped_thread *threads, uint32_t thread_count)
{
    return libc_memory_is_alive(libc_memory_main, threads, thread_count);
}

/* The control block of the ended thread whose stack the area is, or 0: such an area lies right behind its
   guard, and the control block at its end. */
static uintptr_t libc_memory_dead_thread(struct pages *pages, const struct space_area *area,
                                         const struct stopped_thread *threads,
                                         uint32_t thread_count)
{
    struct libc_memory_search search = {threads, thread_count, 0, false};
    if (!libc_memory_is_plain(area) || !(area->flags & SPACE_GUARDED) ||
        !(area->flags & SPACE_WRITE))
        return 0;
    uintptr_t from =
        area->end - area->start > STACK_TOP_BYTES ? area->end - STACK_TOP_BYTES : area->start;
    pages_each(pages, area, from, area->end, libc_memory_seek_block, &search);
    return search.alive ? 0 : search.dead;
}

void libc_memory_dead_stacks(struct space *space, struct pages *pages,
                             const struct stopped_thread *threads, uint32_t thread_count,
                             void (*visit)(uintptr_t start, uintptr_t end, void *context),
                             void *context)
{
    for (uint32_t i = 0; i < space->count; i++) {
        const struct space_area *area = &space->areas[i];
        uintptr_t dead = libc_memory_dead_thread(pages, area, threads, thread_count);
        if (dead)
            visit(area->start, (dead | (pages->page - 1)) + 1, context);
    }
}

void libc_memory_dead_threads(struct space *space, struct pages *pages,
                              const struct stopped_thread *threads, uint32_t thread_count,
                              void (*visit)(uintptr_t thread_pointer, void *context), void *context)
{
    for (uint32_t i = 0; i < space->count; i++) {
        uintptr_t dead = libc_memory_dead_thread(pages, &space->areas[i], threads, thread_count);
        if (dead)
            visit(dead, context);
    }
}

/* A detached thread's own address stands in one place more: it counts as the one who has joined it. */
bool libc_memory_is_awaited(struct space *space, uintptr_t thread_pointer, uintptr_t *end)
{
    const uintptr_t *words = (const uintptr_t *)thread_pointer;
    unsigned own = 0;
    *end = thread_pointer + ARCH_THREAD_BYTES;
    if (!libc_memory_knows_ids || !libc_memory_is_plain(space_at(space, thread_pointer)) ||
        !libc_memory_is_plain(space_at(space, *end - 1)) || libc_memory_id(thread_pointer) != 0)
        return false;
    for (int i = 0; i < (int)(ARCH_THREAD_BYTES / sizeof *words); i++)
        own += words[i] == thread_pointer;
    return own == 2;
}

uintptr_t libc_memory_thread_vector(struct space *space, uintptr_t thread_pointer)
{
    if (thread_pointer == 0 || !libc_memory_is_plain(space_at(space, thread_pointer)))
        return 0;
    uintptr_t vector = arch_thread_vector(thread_pointer);
    return vector ? vector - ARCH_THREAD_VECTOR_SKIP : 0;
}
