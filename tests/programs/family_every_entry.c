/* Every entry of the malloc family, each in a function of its own that keeps one block and gives
   another back. Alignment holds, and every usable byte is usable. */
#include "truth.h"
#include <dlfcn.h>
#include <malloc.h>

static struct truth counted;
static void *volatile kept[32];
static size_t kept_count;

static void check(void *block, size_t size, size_t alignment)
{
    truth_require(block != NULL && (uintptr_t)block % alignment == 0);
    truth_require(malloc_usable_size(block) >= size);
    memset(block, 1, malloc_usable_size(block));
}

/* Keeps the first block and frees the second; both are of `size` bytes. */
static void keep_one(void *first, void *second, size_t size, size_t alignment)
{
    check(truth_got(&counted, first, size), size, alignment);
    check(truth_got(&counted, second, size), size, alignment);
    kept[kept_count++] = first;
    free(second);
    truth_gone(&counted, size);
}

static void by_malloc(void)
{
    keep_one(malloc(101), malloc(101), 101, 16);
}

static void by_calloc(void)
{
    unsigned char *block = calloc(7, 29);
    truth_require(block != NULL);
    for (size_t i = 0; i < 203; i++)
        truth_require(block[i] == 0);
    keep_one(block, calloc(29, 7), 203, 16);
}

static void by_realloc(void)
{
    keep_one(realloc(NULL, 305), realloc(NULL, 305), 305, 16);
}

static void by_reallocarray(void)
{
    keep_one(reallocarray(NULL, 11, 37), reallocarray(NULL, 37, 11), 407, 16);
}

static void by_memalign(void)
{
    keep_one(memalign(512, 509), memalign(512, 509), 509, 512);
}

static void by_aligned_alloc(void)
{
    keep_one(aligned_alloc(128, 640), aligned_alloc(128, 640), 640, 128);
}

static void by_posix_memalign(void)
{
    void *blocks[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++)
        truth_require(posix_memalign(&blocks[i], 4096, 701) == 0);
    keep_one(blocks[0], blocks[1], 701, 4096);
}

static void by_valloc(void)
{
    keep_one(valloc(809), valloc(809), 809, 4096);
}

static void by_pvalloc(void)
{
    keep_one(pvalloc(907), pvalloc(907), 907, 4096);
}

static void by_zero_size(void)
{
    keep_one(malloc(0), malloc(0), 0, 16);
}

/* C23's entries: called where the process has them, whoever gives them. */
static void by_free_sized(void)
{
    void (*free_sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    void (*free_aligned_sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (free_sized == NULL || free_aligned_sized == NULL)
        return;
    free_sized(truth_got(&counted, malloc(44), 44), 44);
    truth_gone(&counted, 44);
    free_aligned_sized(truth_got(&counted, aligned_alloc(64, 128), 128), 64, 128);
    truth_gone(&counted, 128);
    truth_write(1, "truth at by_free_sized allocs=2 frees=2 live_blocks=0\n");
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
        size_t size;
    } entries[] = {
        {"by_malloc", by_malloc, 101},
        {"by_calloc", by_calloc, 203},
        {"by_realloc", by_realloc, 305},
        {"by_reallocarray", by_reallocarray, 407},
        {"by_memalign", by_memalign, 509},
        {"by_aligned_alloc", by_aligned_alloc, 640},
        {"by_posix_memalign", by_posix_memalign, 701},
        {"by_valloc", by_valloc, 809},
        {"by_pvalloc", by_pvalloc, 907},
        {"by_zero_size", by_zero_size, 0},
    };
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        entries[i].run();
        truth_write(1, "truth at %s allocs=2 frees=1 live_blocks=1 live_bytes=%zu\n",
                    entries[i].name, entries[i].size);
    }
    by_free_sized();
    truth_require(malloc_usable_size(NULL) == 0);
    free(NULL);
    truth_write_all(&counted);
    return 0;
}
