#include "path_search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What execvp takes where PATH is unset. */
#define PATH_SEARCH_DEFAULT "/bin:/usr/bin"

static int path_executable(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    return eaccess(path, X_OK) == 0 ? 0 : -errno;
}

static int path_join(char path[PATH_MAX], const char *folder, size_t folder_length,
                     const char *name)
{
    int length = snprintf(path, PATH_MAX, "%.*s%s%s", (int)folder_length, folder,
                          folder_length ? "/" : "", name);
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int path_search(const char *name, char path[PATH_MAX])
{
    int result = -ENOENT;
    const char *folders = getenv("PATH"); /* NOLINT(concurrency-mt-unsafe) */
    if (*name == '\0')
        return -ENOENT;
    if (strchr(name, '/')) {
        int error = path_join(path, "", 0, name);
        return error ? error : path_executable(path);
    }
    for (const char *at = folders ? folders : PATH_SEARCH_DEFAULT; at;) {
        size_t length = strcspn(at, ":");
        int error = path_join(path, at, length, name);
        if (error == 0)
            error = path_executable(path);
        if (error == 0)
            return 0;
        if (error == -EACCES) /* execvp goes on, but remembers */
            result = -EACCES;
        at = at[length] ? at + length + 1 : NULL;
    }
    return result;
}
