#include "out_gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Entries that were written. */
struct entry_list {
    char **texts;
    size_t count;
};

static char *entry_text(const struct finding *finding)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    suppress_write(out, finding->trace, finding->kind);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static bool list_has(const struct entry_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->texts[i], text) == 0)
            return true;
    }
    return false;
}

/* Stacks that differ in lines alone have one entry. */
static int put_once(FILE *out, struct entry_list *list, const struct finding *finding)
{
    char *text = entry_text(finding);
    if (text == NULL)
        return -ENOMEM;
    if (list_has(list, text)) {
        free(text);
        return 0;
    }
    fputs(text, out);
    list->texts[list->count++] = text;
    return 0;
}

int out_gate_suppressions(FILE *out, const struct verdict *verdict)
{
    struct entry_list list = {.texts = calloc(verdict->count + 1, sizeof(char *))};
    int error = list.texts != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < verdict->count && error == 0; i++) {
        const struct finding *finding = &verdict->findings[i];
        if (finding->rule == FINDING_LEAK && finding->blames && finding->trace != NULL)
            error = put_once(out, &list, finding);
    }
    for (size_t i = 0; i < list.count; i++)
        free(list.texts[i]);
    free(list.texts);
    return error == 0 && ferror(out) ? -EIO : error;
}
