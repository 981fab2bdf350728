/* As the first, with other names, so that a name tells which of the two a frame belongs to. */
#include <stddef.h>
#include <stdlib.h>

static void *volatile kept;

static __attribute__((constructor)) void second_plugin_starts(void)
{
    kept = malloc(22);
}

void *second_plugin_make(size_t size);
void *second_plugin_make(size_t size)
{
    void *volatile block = malloc(size);
    return block;
}
