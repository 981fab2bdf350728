#include "cmd_run_place.h"
#include "command.h"
#include "memtrack/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_PLACE_DEFAULT "%e.%p" MTF_SUFFIX

static bool run_place_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* mkdir -p. */
static int run_place_make_folder(const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return -ENAMETOOLONG;
    for (size_t end = 1; end <= length; end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        memcpy(part, path, end);
        part[end] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST && !run_place_is_folder(part))
            return -errno;
    }
    return run_place_is_folder(path) ? 0 : -ENOTDIR;
}

/* Takes --out apart: an existing folder, or a name that ends in '/', is all folder. */
static bool run_place_split(const char *out, char folder[PATH_MAX], const char **pattern)
{
    const char *slash = strrchr(out, '/');
    size_t length = slash ? (size_t)(slash - out) + 1 : 0;
    *pattern = out + length;
    if (**pattern == '\0' || run_place_is_folder(out)) {
        *pattern = RUN_PLACE_DEFAULT;
        length = strlen(out);
    }
    if (length >= PATH_MAX || strlen(*pattern) > NAME_MAX)
        return false;
    memcpy(folder, out, length);
    folder[length] = '\0';
    if (length == 0)
        memcpy(folder, ".", 2);
    return true;
}

/* Appends `text`, with `escape` before each of the characters `escaped`. */
static bool run_place_append(char *to, size_t size, const char *text, const char *escaped,
                             char escape)
{
    size_t at = strlen(to);
    for (; *text; text++) {
        if (at + 3 > size)
            return false;
        if (strchr(escaped, *text))
            to[at++] = escape;
        to[at++] = *text;
    }
    to[at] = '\0';
    return true;
}

bool run_place_escape(char *to, size_t size, const char *value)
{
    return run_place_append(to, size, value, ":\\", '\\');
}

/* The folder's own '%' are doubled, the pattern's are marks. */
static bool run_place_option(struct run_place *place)
{
    char path[2 * PATH_MAX + NAME_MAX + 2] = "";
    place->option[0] = '\0';
    return run_place_append(path, sizeof path, place->folder, "%", '%') &&
           run_place_append(path, sizeof path, "/", "", '\0') &&
           run_place_append(path, sizeof path, place->pattern, "", '\0') &&
           run_place_escape(place->option, sizeof place->option, path);
}

bool run_place_make(struct run_place *place, const char *out)
{
    char folder[PATH_MAX];
    const char *pattern;
    if (out && *out == '\0') {
        command_fail("--out: is empty; give a folder or a file name");
        return false;
    }
    if (!run_place_split(out ? out : "./", folder, &pattern)) {
        command_fail("--out=%s: is too long; give a shorter one", out);
        return false;
    }
    if (strchr(folder, '%') && !run_place_is_folder(folder)) {
        command_fail("--out=%s: marks like %%e belong into the file name, not the folder", out);
        return false;
    }
    int error = run_place_make_folder(folder);
    if (error == 0 && realpath(folder, place->folder) == NULL)
        error = -errno;
    if (error == 0 && access(place->folder, W_OK | X_OK) != 0)
        error = -errno;
    if (error) {
        command_fail("%s: no report can be written there (%s); choose another place with --out",
                     folder, strerrordesc_np(-error));
        return false;
    }
    memcpy(place->pattern, pattern, strlen(pattern) + 1);
    return run_place_option(place);
}
