/* usage: deep_stack DEPTH: leaks one block below DEPTH calls of one function, and one near main. */
#include "truth.h"

static void *volatile kept[2];

static void at_the_bottom(void)
{
    kept[0] = malloc(640);
}

static int descend(int depth)
{
    if (depth == 0) {
        at_the_bottom();
        return 0;
    }
    return 1 + descend(depth - 1);
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    int depth = atoi(argv[1]);
    truth_require(descend(depth) == depth);
    kept[1] = malloc(64);
    truth_write(1, "truth at at_the_bottom live_blocks=1 live_bytes=640 sites=1\n");
    truth_write(1, "truth all allocs=2 live_blocks=2 live_bytes=704\n");
    return 0;
}
