/* usage: graph_at_random SEED BLOCKS: blocks that point at each other's starts and insides at random, some of
   them held by a few roots; what is lost and how is for two leak checkers to agree on. */
#include "truth.h"

#define BLOCKS_MAX 4096
#define ROOTS 12

static uintptr_t
    hidden[BLOCKS_MAX]; /* complements of addresses: a scan does not know them for such */
static size_t sizes[BLOCKS_MAX];
static void *volatile roots[ROOTS];
static uint64_t state;

static uint32_t below(uint32_t limit)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((state >> 33) % limit);
}

static char *block(size_t i)
{
    return (char *)~hidden[i];
}

/* To the start of a block three times out of four, else into it. */
static void *pointer(size_t blocks)
{
    size_t i = below((uint32_t)blocks);
    size_t inside = below(4) == 0 ? below((uint32_t)sizes[i]) : 0;
    return block(i) + inside;
}

static __attribute__((noinline)) void link_blocks(size_t blocks)
{
    for (size_t i = 0; i < blocks; i++) {
        void **words = (void **)block(i);
        for (size_t word = 0; word < sizes[i] / sizeof *words; word++)
            words[word] = below(6) == 0 ? pointer(blocks) : NULL;
    }
    for (size_t i = 0; i < ROOTS; i++)
        roots[i] = pointer(blocks);
}

static __attribute__((noinline)) void make(size_t blocks)
{
    for (size_t i = 0; i < blocks; i++) {
        sizes[i] = 8 + below(below(10) == 0 ? 3000 : 100);
        hidden[i] = ~(uintptr_t)malloc(sizes[i]);
    }
}

/* Some go again, so that there are free chunks between. */
static __attribute__((noinline)) size_t thin_out(size_t blocks)
{
    size_t kept = 0;
    for (size_t i = 0; i < blocks; i++) {
        if (below(4) == 0) {
            free(block(i));
            continue;
        }
        hidden[kept] = hidden[i];
        sizes[kept++] = sizes[i];
    }
    return kept;
}

static __attribute__((noinline)) void wipe(void)
{
    volatile char words[16384];
    for (size_t i = 0; i < sizeof words; i++)
        words[i] = 0;
}

int main(int argc, char **argv)
{
    truth_require(argc == 3);
    state = strtoull(argv[1], NULL, 10);
    size_t blocks = strtoul(argv[2], NULL, 10);
    truth_require(blocks > 0 && blocks <= BLOCKS_MAX);
    make(blocks);
    link_blocks(thin_out(blocks));
    wipe();
    return 0;
}
