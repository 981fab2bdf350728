/* Allocates when it is loaded, when it is called and when it is unloaded. */
#include <stddef.h>
#include <stdlib.h>

static void *volatile kept;

static __attribute__((constructor)) void first_plugin_starts(void)
{
    kept = malloc(11);
}

static __attribute__((destructor)) void first_plugin_ends(void)
{
    void *volatile block = calloc(3, 3);
    free(block);
}

void *first_plugin_make(size_t size);
void *first_plugin_make(size_t size)
{
    void *volatile block = malloc(size);
    return block;
}
