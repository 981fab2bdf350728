#include "../words.h"

#include <stdlib.h>
#include <string.h>

int main(void)
{
    struct words words = {0};
    words_add(&words, "one");
    words_add(&words, "two");
    int right = words.count == 2 && strcmp(words.items[1], "two") == 0;
    words_clear(&words);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
