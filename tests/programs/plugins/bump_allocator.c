/* An allocator to preload below memtrack: lock-free, so its functions may be called from signal
   handlers; it never reuses memory but the newest block of each kind of size, and it keeps a size
   in front of each block. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_SIZE ((size_t)64 << 30)
#define HEADER ((size_t)16)

static unsigned char *arena;
static size_t used;

static unsigned char *arena_start(void)
{
    unsigned char *start = __atomic_load_n(&arena, __ATOMIC_ACQUIRE);
    if (start != NULL)
        return start;
    start = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned char *expected = NULL;
    if (!__atomic_compare_exchange_n(&arena, &expected, start, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        munmap(start, ARENA_SIZE);
        return expected;
    }
    return start;
}

static void *take(size_t alignment, size_t size)
{
    size_t whole = size + alignment + 2 * HEADER;
    unsigned char *start = arena_start();
    if (start == MAP_FAILED || size > ARENA_SIZE / 2 ||
        __atomic_load_n(&used, __ATOMIC_RELAXED) + whole > ARENA_SIZE) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t at = (uintptr_t)start + __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED) + HEADER;
    at = (at + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((void *)(at - HEADER), &size, sizeof size);
    return (void *)at;
}

size_t malloc_usable_size(void *block)
{
    size_t size = 0;
    if (block != NULL)
        memcpy(&size, (unsigned char *)block - HEADER, sizeof size);
    return size;
}

void *malloc(size_t size)
{
    return take(16, size);
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    size_t whole = 0;
    if (__builtin_mul_overflow(count, size, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    return take(16, whole);
}

void *realloc(void *block, size_t size)
{
    void *moved = take(16, size);
    size_t old_size = malloc_usable_size(block);
    if (moved != NULL && block != NULL)
        memcpy(moved, block, old_size < size ? old_size : size);
    return moved;
}

void *memalign(size_t alignment, size_t size)
{
    return take(alignment < 16 ? 16 : alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = memalign(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}
