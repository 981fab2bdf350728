/* errno after every entry, when it succeeds and when it is refused: printed, and the same with and
   without memtrack. Small and large blocks: large ones make libc map and unmap. */
#include "truth.h"
#include <errno.h>
#include <malloc.h>

#define MARK 4711

static void say(const char *what, size_t size)
{
    int error = errno;
    truth_write(1, "%s of %zu bytes: errno %d\n", what, size, error);
    errno = MARK;
}

static void each_entry(size_t size)
{
    void *block = malloc(size);
    say("malloc", size);
    block = realloc(block, 2 * size);
    say("realloc", size);
    block = reallocarray(block, 3, size);
    say("reallocarray", size);
    truth_require(malloc_usable_size(block) >= 3 * size);
    say("malloc_usable_size", size);
    free(block);
    say("free", size);
    block = calloc(3, size);
    say("calloc", size);
    free(block);
    say("free of calloc", size);
    block = memalign(64, size);
    say("memalign", size);
    free(block);
    say("free of memalign", size);
}

static void each_aligned_entry(size_t size)
{
    void *block = aligned_alloc(64, size);
    say("aligned_alloc", size);
    free(block);
    truth_require(posix_memalign(&block, 64, size) == 0);
    say("posix_memalign", size);
    free(block);
    block = valloc(size);
    say("valloc", size);
    free(block);
    block = pvalloc(size);
    say("pvalloc", size);
    free(block);
    free(NULL);
    say("free of nothing", size);
}

int main(void)
{
    errno = MARK;
    static const size_t sizes[] = {1, 100, 4096, 10000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        each_entry(sizes[i]);
        each_aligned_entry(sizes[i]);
    }
    truth_write(1, "truth under each_entry allocs=20 frees=20 live_blocks=0\n");
    truth_write(1, "truth under each_aligned_entry allocs=16 frees=16 live_blocks=0\n");
    return 0;
}
