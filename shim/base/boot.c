#include "base/boot.h"
#include "base/atomic.h"

#define BOOT_ALIGNMENT 16u

char boot_pool[BOOT_POOL] __attribute__((aligned(BOOT_ALIGNMENT)));
static size_t boot_used;    /* bytes, any thread */
static uint64_t boot_given; /* any thread */

void *boot_alloc(size_t alignment, size_t size)
{
    if (alignment < BOOT_ALIGNMENT)
        alignment = BOOT_ALIGNMENT;
    if (alignment > BOOT_POOL || size > BOOT_POOL)
        return NULL;
    size_t room = BOOT_ALIGNMENT + alignment + ((size + BOOT_ALIGNMENT - 1) & ~(size_t)15);
    size_t at = load_relaxed(&boot_used);
    do { /* only what fits is taken: a large request must not use up the pool for small ones */
        if (room > BOOT_POOL - at)
            return NULL;
    } while (!swap_acquire(&boot_used, &at, at + room));
    uintptr_t block =
        ((uintptr_t)boot_pool + at + BOOT_ALIGNMENT + alignment - 1) & ~(uintptr_t)(alignment - 1);
    ((size_t *)block)[-1] = size;
    add_relaxed(&boot_given, 1);
    return (void *)block;
}

size_t boot_size(const void *block)
{
    return ((const size_t *)block)[-1];
}

uint64_t boot_count(void)
{
    return load_relaxed(&boot_given);
}

size_t boot_used_bytes(void)
{
    return load_relaxed(&boot_used);
}
