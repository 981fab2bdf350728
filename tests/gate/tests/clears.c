#include "../words.h"

#include <stdlib.h>

int main(void)
{
    struct words words = {0};
    for (int i = 0; i < 10; i++)
        words_add(&words, "word");
    words_clear(&words);
    return words.count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
