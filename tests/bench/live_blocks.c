/* Many blocks that live until the end: what an event book costs in memory per live block.
   live_blocks COUNT */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: live_blocks COUNT\n", stderr);
        return 2;
    }
    size_t count = strtoul(argv[1], NULL, 10);
    void **blocks = calloc(count, sizeof *blocks);
    if (blocks == NULL)
        return 1;
    for (size_t i = 0; i < count; i++)
        blocks[i] = malloc(24 + i * 40503u % 480);
    for (size_t i = 0; i < count; i += 3) {
        free(blocks[i]);
        blocks[i] = malloc(24 + i * 40503u % 480);
    }
    return blocks[count / 2] == NULL;
}
