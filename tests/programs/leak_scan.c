/* How long a leak check takes, against reading the same memory once: BYTES of live heap in COUNT blocks that hold each
   other in some shape. Prints "read MS scan MS ratio R", in CPU time.
   leak_scan SHAPE [COUNT [BYTES]]
     array    an array points at the blocks, which hold no pointers
     list     each block points at the one allocated after it
     shuffled the same, in no order of their places in memory
     graph    each block holds 8 pointers to others, anywhere */
#include "memtrack.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTERS 8

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static uint64_t random_state = 88172645463325252u;
static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % limit);
}

static uintptr_t **blocks;
uintptr_t *volatile head; /* of a list or graph, whose blocks the array then does not hold */

static void shuffle(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i-- > 1;) {
        size_t other = random_below(i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

static void link_blocks(const char *shape, size_t count)
{
    size_t *order = malloc(count * sizeof *order);
    for (size_t i = 0; order && i < count; i++)
        order[i] = i;
    if (order && strcmp(shape, "list") != 0)
        shuffle(order, count);
    for (size_t i = 0; order && i + 1 < count; i++)
        blocks[order[i]][0] = (uintptr_t)blocks[order[i + 1]];
    for (size_t i = 0; strcmp(shape, "graph") == 0 && i < count; i++) {
        for (size_t p = 1; p < POINTERS; p++)
            blocks[i][2 * p] = (uintptr_t)blocks[random_below(count)];
    }
    if (order)
        head = blocks[order[0]];
    free(order);
}

static uintptr_t read_all(size_t count, size_t size)
{
    uintptr_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t word = 0; word < size / sizeof sum; word++)
            sum ^= blocks[i][word];
    }
    return sum;
}

int main(int argc, char **argv)
{
    const char *shape = argc > 1 ? argv[1] : "array";
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    size_t size = (argc > 3 ? strtoul(argv[3], NULL, 10) : 1ul << 30) / count / 8 * 8;
    blocks = malloc(count * sizeof *blocks);
    for (size_t i = 0; blocks && i < count; i++) {
        blocks[i] = malloc(size);
        memset(blocks[i], 1, size); /* words that are no pointers */
    }
    if (blocks == NULL || size < 2ul * POINTERS * sizeof(uintptr_t))
        return 2;
    if (strcmp(shape, "array") != 0)
        link_blocks(shape, count);
    volatile uintptr_t sum = read_all(count, size);
    double began = now_ms();
    sum = read_all(count, size);
    double read_ms = now_ms() - began;
    (void)sum;
    struct memtrack_leaks leaks;
    began = now_ms();
    int done = memtrack_leak_check_into("bench", &leaks);
    double scan_ms = now_ms() - began;
    printf("read %.1f scan %.1f ratio %.2f%s\n", read_ms, scan_ms, scan_ms / read_ms,
           done && leaks.reachable_blocks >= count ? "" : " WRONG");
    return 0;
}
