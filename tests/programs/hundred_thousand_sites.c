/* Allocates from 2^17 different call stacks, each its own call site, of sizes that differ. */
#include <stdlib.h>

#define DEPTH 17

static volatile unsigned long kept;

static void left(unsigned depth, unsigned path);
static void right(unsigned depth, unsigned path);

__attribute__((noinline)) static void allocate(unsigned path)
{
    unsigned char *block = malloc(16 + path % 64);
    kept += (unsigned long)block;
    if (path % 4 == 0)
        free(block);
    __asm__ volatile("");
}

__attribute__((noinline)) static void further(unsigned depth, unsigned path)
{
    if (depth == DEPTH) {
        allocate(path);
    } else {
        left(depth + 1, path * 2);
        right(depth + 1, path * 2 + 1);
    }
    __asm__ volatile("");
}

__attribute__((noinline)) static void left(unsigned depth, unsigned path)
{
    further(depth, path);
    __asm__ volatile("");
}

__attribute__((noinline)) static void right(unsigned depth, unsigned path)
{
    further(depth, path);
    __asm__ volatile("");
}

int main(void)
{
    further(0, 0);
    return 0;
}
