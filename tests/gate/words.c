#include "words.h"

#include <stdlib.h>
#include <string.h>

void words_add(struct words *words, const char *word)
{
    words->items = realloc(words->items, (size_t)(words->count + 1) * sizeof words->items[0]);
    words->items[words->count++] = strdup(word);
}

void words_clear(struct words *words)
{
    for (int i = 0; i < words->count; i++)
        free(words->items[i]);
    free(words->items);
    words->items = NULL;
    words->count = 0;
}
