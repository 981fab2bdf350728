/* Any MEMTRACK_OPTIONS: every option ends up with a value that can be used. */
#include "base/option.h"
#include "base/say.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Complaints go nowhere: they would be most of the work. */
void say_begin(struct say_line *line)
{
    memset(line, 0, sizeof *line);
}

void say_text(struct say_line *line, const char *text)
{
    (void)line;
    if (strlen(text) > SIZE_MAX / 2)
        abort();
}

void say_quoted(struct say_line *line, const char *text, size_t length)
{
    (void)line;
    if (memchr(text, '\0', length) != NULL)
        abort();
}

void say_end(struct say_line *line)
{
    (void)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = strndup((const char *)bytes, size);
    if (text == NULL)
        return 0;
    option_parse(text);
    if (option.depth < OPTION_DEPTH_MIN || option.depth > OPTION_DEPTH_MAX ||
        option.samples > OPTION_SAMPLES_MAX || strlen(option.out) >= OPTION_PATH_MAX ||
        option.unwind > OPTION_UNWIND_VERIFY)
        abort();
    free(text);
    return 0;
}
