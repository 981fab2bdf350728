/* A list of words, as small as a project can be that has something to lose. */
#ifndef WORDS_H
#define WORDS_H

struct words {
    char **items;
    int count;
};

void words_add(struct words *words, const char *word);
void words_clear(struct words *words);

#endif
