#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_SIZE_MAX (1u << 20)

static bool golden_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool written = file != NULL && fputs(text, file) >= 0;
    if (file != NULL && fclose(file) != 0)
        written = false;
    if (!written)
        perror(path);
    return written;
}

static char *golden_read(const char *path)
{
    char *text = calloc(1, GOLDEN_SIZE_MAX);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        free(text);
        return NULL;
    }
    if (text != NULL)
        text[fread(text, 1, GOLDEN_SIZE_MAX - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void golden_complain(const char *path, const char *expected, const char *text)
{
    unsigned line = 1;
    size_t at = 0;
    while (expected[at] != '\0' && expected[at] == text[at])
        line += expected[at++] == '\n';
    fprintf(stderr, "%s: differs in line %u; printed was:\n%s\n", path, line, text);
}

bool golden_matches(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "tests/golden/%s", name);
    const char *mode = getenv("MEMTRACK_GOLDEN"); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (mode != NULL && strcmp(mode, "write") == 0)
        return golden_write(path, text);
    char *expected = golden_read(path);
    if (expected == NULL)
        return false;
    bool same = strcmp(expected, text) == 0;
    if (!same)
        golden_complain(path, expected, text);
    free(expected);
    return same;
}
