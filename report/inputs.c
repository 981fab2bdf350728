#include "inputs.h"
#include "memtrack/format.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Takes over `path`, also when it fails. */
static int inputs_push(struct inputs *inputs, char *path)
{
    if (path == NULL)
        return -ENOMEM;
    if (inputs->count == inputs->room) {
        size_t room = inputs->room * 2 + 8;
        char **paths = realloc(inputs->paths, room * sizeof paths[0]);
        if (paths == NULL) {
            free(path);
            return -ENOMEM;
        }
        inputs->paths = paths;
        inputs->room = room;
    }
    inputs->paths[inputs->count++] = path;
    return 0;
}

static bool is_report_name(const char *name)
{
    size_t length = strlen(name), suffix = strlen(MTF_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, MTF_SUFFIX) == 0;
}

static char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    char *path = NULL;
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

static int path_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int inputs_read_folder(struct inputs *inputs, const char *path, DIR *folder)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder); /* NOLINT(concurrency-mt-unsafe): own DIR */
        if (entry == NULL)
            return -errno;
        int error = 0;
        if (is_report_name(entry->d_name))
            error = inputs_push(inputs, path_join(path, entry->d_name));
        if (error != 0)
            return error;
    }
}

static int inputs_fail(char *message, size_t size, const char *path, int error)
{
    errno = -error;
    snprintf(message, size, "%s: %m", path);
    return error;
}

static int inputs_add_folder(struct inputs *inputs, const char *path, char *message, size_t size)
{
    size_t before = inputs->count;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return inputs_fail(message, size, path, -errno);
    int error = inputs_read_folder(inputs, path, folder);
    closedir(folder);
    if (error != 0)
        return inputs_fail(message, size, path, error);
    if (inputs->count == before) {
        snprintf(message, size, "%s: holds no report; give a folder with files that end in %s",
                 path, MTF_SUFFIX);
        return -ENOENT;
    }
    qsort(inputs->paths + before, inputs->count - before, sizeof inputs->paths[0], path_compare);
    return 0;
}

int inputs_add(struct inputs *inputs, const char *path, char *message, size_t message_size)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return inputs_fail(message, message_size, path, -errno);
    if (S_ISDIR(status.st_mode))
        return inputs_add_folder(inputs, path, message, message_size);
    int error = inputs_push(inputs, strdup(path));
    return error == 0 ? 0 : inputs_fail(message, message_size, path, error);
}

void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->paths[i]);
    free(inputs->paths);
    *inputs = (struct inputs){0};
}
