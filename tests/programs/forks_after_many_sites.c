/* Allocates from more than a thousand call sites, frees nearly all, and forks: the child inherits a few
   blocks and a mapping, and works in old call sites and in a new one. Prints "child PID". */
#include "truth.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define DEPTHS 1500u

static void *__attribute__((noinline)) allocate_from(unsigned depth, size_t size)
{
    void *block = depth ? allocate_from(depth - 1, size) : malloc(size);
    __asm__ volatile("" : "+r"(block));
    return block;
}

static void __attribute__((noinline)) work(void)
{
    for (unsigned depth = 1; depth <= DEPTHS; depth++)
        free(allocate_from(depth % 200, depth));
}

static void *volatile kept[3];

static void __attribute__((noinline)) keep(void)
{
    kept[0] = malloc(1000);
    kept[1] = malloc(0);
}

static void __attribute__((noinline)) keep_mapping(void)
{
    kept[2] = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    truth_require(kept[2] != MAP_FAILED);
}

/* As many stacks as there are values of the lowest `left` bits: the two calls return to two places. */
static void __attribute__((noinline)) many_ways(unsigned left, unsigned bits)
{
    if (left == 0) {
        free(malloc(8));
    } else if (bits & 1) {
        many_ways(left - 1, bits >> 1);
        __asm__ volatile("nop");
    } else {
        many_ways(left - 1, bits >> 1);
        __asm__ volatile("");
    }
}

static void __attribute__((noinline)) work_of_the_child(void)
{
    for (int i = 0; i < 30; i++)
        free(malloc(50));
}

int main(void)
{
    for (unsigned bits = 0; bits < 2048; bits++)
        many_ways(11, bits);
    work();
    keep();
    keep_mapping();
    pid_t child = fork();
    truth_require(child >= 0);
    if (child == 0) {
        work();
        work_of_the_child();
        free(kept[0]);
        return 0;
    }
    int status;
    truth_require(waitpid(child, &status, 0) == child && status == 0);
    printf("child %d\n", (int)child);
    return 0;
}
