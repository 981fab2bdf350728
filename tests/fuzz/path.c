/* Any pattern for the report's name and any program, host and folder: an absolute path or an error. */
#include "store/path.h"
#include "base/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_folder; /* what the kernel says of every path in this run */

int sys_is_folder(const char *path, bool *folder)
{
    if (strnlen(path, PATH_MAX_BYTES) == PATH_MAX_BYTES)
        abort();
    *folder = is_folder;
    return 0;
}

/* The next text of the input, which ends at a NUL or with the input. */
static char *take_text(const uint8_t **bytes, size_t *size)
{
    size_t length = strnlen((const char *)*bytes, *size);
    char *text = strndup((const char *)*bytes, length);
    size_t taken = length < *size ? length + 1 : length;
    *bytes += taken;
    *size -= taken;
    return text;
}

static void check(const char *pattern, const struct path_facts *facts, unsigned attempt)
{
    char path[PATH_MAX_BYTES], next[PATH_MAX_BYTES];
    memset(path, 'x', sizeof path);
    int error = path_make(path, pattern, facts, attempt);
    if (error != 0 && error != -ENAMETOOLONG)
        abort();
    if (strnlen(path, sizeof path) == sizeof path || (error == 0 && path[0] != '/'))
        abort();
    if (error == 0 && path_make(next, pattern, facts, attempt + 1) == 0 && strcmp(path, next) == 0)
        abort(); /* the search for a free name would never end */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    unsigned attempt = bytes[0];
    is_folder = bytes[1] & 1;
    bytes += 2;
    size -= 2;
    char *pattern = take_text(&bytes, &size);
    char *program = take_text(&bytes, &size);
    char *host = take_text(&bytes, &size);
    char *folder = take_text(&bytes, &size);
    struct path_facts facts = {
        .program = program, .pid = 4711, .time_s = 1700000000, .host = host, .folder = folder};
    if (folder[0] == '/' || folder[0] == '\0')
        check(pattern, &facts, attempt);
    free(pattern);
    free(program);
    free(host);
    free(folder);
    return 0;
}
