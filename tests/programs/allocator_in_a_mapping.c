/* An allocator of the program's own that lives in a mapping: lists, headers and all. Its blocks are not the
   heap's; the mapping is one, and it holds the only pointer to a heap block. */
#include "truth.h"
#include <sys/mman.h>

#define ROOM (1ul << 20)

struct piece {
    struct piece *next;
    size_t size;
};

static struct piece *pieces;

static void *take(size_t size)
{
    size = (size + 15) & ~15ul;
    for (struct piece **at = &pieces; *at; at = &(*at)->next) {
        struct piece *piece = *at;
        if (piece->size < size + sizeof *piece)
            continue;
        piece->size -= size + sizeof *piece;
        struct piece *taken = (struct piece *)((char *)(piece + 1) + piece->size);
        taken->size = size;
        return taken + 1;
    }
    return NULL;
}

static void give(void *block)
{
    struct piece *piece = (struct piece *)block - 1;
    piece->next = pieces;
    pieces = piece;
}

int main(void)
{
    struct truth heap = {0};
    pieces = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    truth_require(pieces != MAP_FAILED);
    pieces->size = ROOM - sizeof *pieces;
    for (int i = 0; i < 1000; i++) {
        void *block = take(100 + (size_t)i % 300);
        truth_require(block != NULL);
        if (i % 3)
            give(block);
    }
    void **holder = take(sizeof *holder);
    *holder = truth_got(&heap, malloc(77), 77);
    truth_write_all(&heap);
    truth_write(1, "truth mappings allocs=1 alloc_bytes=%lu frees=0 live_bytes=%lu\n", ROOM, ROOM);
    return 0;
}
