#include "base/heap.h"
#include "base/lock.h"
#include "base/sys.h"

#include <string.h>
#include <sys/mman.h>

#define HEAP_CLASSES 24
#define HEAP_CHUNKS_EASY 8u
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; refused by older ones, which does no harm */
#endif

struct heap_piece {
    struct heap_piece *next;
};

static struct lock heap_lock = {.rank = LOCK_HEAP};
static struct heap_piece *heap_free_list[HEAP_CLASSES]; /* all below: under LOCK_HEAP */
static char *heap_chunk;
static size_t heap_chunk_left;
static unsigned heap_chunks;

static unsigned heap_class(size_t size)
{
    if (size <= HEAP_SMALLEST)
        return 5;
    return 64u - (unsigned)__builtin_clzll(size - 1);
}

/* Whoever has used several chunks will use this one: its pages come at once, for a fifth of what they cost
   one by one. */
static char *heap_map_chunk(void)
{
    char *chunk = sys_map(HEAP_CHUNK);
    if (chunk && heap_chunks++ >= HEAP_CHUNKS_EASY)
        SYS3(SYS_madvise, chunk, HEAP_CHUNK, MADV_POPULATE_WRITE);
    return chunk;
}

/* Room for a piece of 2^class bytes from the current chunk, at that alignment up to a page. */
static void *heap_carve(unsigned class)
{
    size_t size = (size_t)1 << class;
    size_t align = size < SYS_PAGE ? size : SYS_PAGE;
    size_t gap = heap_chunk ? -(uintptr_t)heap_chunk & (align - 1) : 0;
    if (gap + size > heap_chunk_left) {
        char *chunk = heap_map_chunk();
        if (chunk == NULL)
            return NULL; /* what is left of the old one serves smaller pieces */
        heap_chunk = chunk;
        heap_chunk_left = HEAP_CHUNK;
        gap = 0;
    }
    void *piece = heap_chunk + gap;
    heap_chunk += gap + size;
    heap_chunk_left -= gap + size;
    return piece;
}

void *heap_alloc(size_t size)
{
    unsigned class = heap_class(size);
    if (((size_t)1 << class) > HEAP_CHUNK / 2)
        return sys_map(sys_round_to_page(size));
    bool taken = lock_enter_critical(&heap_lock);
    struct heap_piece *freed = heap_free_list[class];
    if (freed)
        heap_free_list[class] = freed->next;
    void *piece = freed ? freed : heap_carve(class);
    lock_leave_critical(&heap_lock, taken);
    if (freed)
        memset(freed, 0, size);
    return piece;
}

void heap_free(void *piece, size_t size)
{
    if (piece == NULL)
        return;
    unsigned class = heap_class(size);
    if (((size_t)1 << class) > HEAP_CHUNK / 2) {
        sys_unmap(piece, sys_round_to_page(size));
        return;
    }
    struct heap_piece *freed = piece;
    bool taken = lock_enter_critical(&heap_lock);
    freed->next = heap_free_list[class];
    heap_free_list[class] = freed;
    lock_leave_critical(&heap_lock, taken);
}

void heap_fork_prepare(void)
{
    lock_hold(&heap_lock);
}

void heap_fork_parent(void)
{
    lock_release(&heap_lock);
}

void heap_fork_child(bool whole)
{
    if (!lock_reset(&heap_lock) || whole)
        return;
    memset(heap_free_list, 0, sizeof heap_free_list);
    heap_chunk = NULL;
    heap_chunk_left = 0;
}
