/* Requests that an allocator must refuse, and requests at the border: result and errno of each are
   printed, and must be the same with and without memtrack. */
#include "truth.h"
#include <errno.h>
#include <malloc.h>

/* Volatile: compilers warn about sizes that can never be had when they see them. */
static volatile size_t largest = SIZE_MAX;
static volatile size_t half = (size_t)PTRDIFF_MAX;
static volatile size_t odd_alignment = 24;
static volatile size_t zero = 0;

static void say(const char *what, void *block)
{
    int error = errno;
    truth_write(1, "%s: %s, errno %d\n", what, block == NULL ? "refused" : "given", error);
    free(block);
    errno = 0;
}

static void say_code(const char *what, int code)
{
    int error = errno;
    truth_write(1, "%s: returned %d, errno %d\n", what, code, error);
    errno = 0;
}

static void sizes_beyond_all(void)
{
    errno = 0;
    say("malloc(SIZE_MAX)", malloc(largest));
    say("malloc(PTRDIFF_MAX)", malloc(half));
    say("malloc(PTRDIFF_MAX + 1)", malloc(half + 1));
    say("calloc(SIZE_MAX, 2)", calloc(largest, 2));
    say("calloc(PTRDIFF_MAX, 3)", calloc(half, 3));
    say("calloc(1, PTRDIFF_MAX)", calloc(1, half));
    say("calloc(0, SIZE_MAX)", calloc(zero, largest));
    say("realloc(NULL, SIZE_MAX)", realloc(NULL, largest));
    say("reallocarray(NULL, SIZE_MAX, 2)", reallocarray(NULL, largest, 2));
    say("reallocarray(NULL, 0, 8)", reallocarray(NULL, zero, 8));
    say("memalign(64, SIZE_MAX)", memalign(64, largest));
    say("aligned_alloc(64, SIZE_MAX - 63)", aligned_alloc(64, largest - 63));
    say("valloc(SIZE_MAX)", valloc(largest));
    say("pvalloc(SIZE_MAX)", pvalloc(largest));
}

static void odd_alignments(void)
{
    void *block = &block;
    say("memalign(24, 100)", memalign(odd_alignment, 100));
    say("memalign(0, 100)", memalign(zero, 100));
    say("aligned_alloc(24, 100)", aligned_alloc(odd_alignment, 100));
    say("aligned_alloc(0, 100)", aligned_alloc(zero, 100));
    say("aligned_alloc(PTRDIFF_MAX + 1, 1)", aligned_alloc(half + 1, 1));
    say_code("posix_memalign(24, 100)", posix_memalign(&block, odd_alignment, 100));
    say_code("posix_memalign(0, 100)", posix_memalign(&block, zero, 100));
    say_code("posix_memalign(4, 100)", posix_memalign(&block, 4, 100));
    say_code("posix_memalign(64, SIZE_MAX)", posix_memalign(&block, 64, largest));
    truth_write(1, "a refused posix_memalign leaves its result: %s\n",
                block == &block ? "yes" : "no");
}

static void old_block_survives(void)
{
    char *volatile block = malloc(100); /* the compiler thinks that realloc ends it */
    truth_require(block != NULL);
    memset(block, 'x', 100);
    errno = 0;
    void *moved = realloc(block, largest);
    say_code("realloc(block, SIZE_MAX)", moved == NULL);
    moved = reallocarray(block, largest, largest);
    say_code("reallocarray(block, SIZE_MAX, SIZE_MAX)", moved == NULL);
    truth_require(block[0] == 'x' && block[99] == 'x');
    say_code("realloc(block, 0)", realloc(block, zero) == NULL);
}

int main(void)
{
    sizes_beyond_all();
    odd_alignments();
    old_block_survives();
    truth_write(1, "truth under old_block_survives allocs=1 frees=1 live_blocks=0 live_bytes=0\n");
    truth_write(1, "truth all live_blocks=0 live_bytes=0\n");
    return 0;
}
