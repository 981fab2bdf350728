/* A table that cannot grow costs a name, not the process. */
#define HASH_NONFATAL_OOM 1

#include "object_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct object_path {
    UT_hash_handle hh;
    char *real; /* NULL: it has no other name */
    char path[];
};

/* Distributions with one /usr reach it through links at the top. */
static char *path_below_usr(const char *path)
{
    char *below;
    if (strncmp(path, "/lib", 4) != 0 || asprintf(&below, "/usr%s", path) < 0)
        return NULL;
    return below;
}

static struct object_path *path_look_up(const char *path)
{
    size_t size = strlen(path) + 1;
    struct object_path *found = calloc(1, sizeof *found + size);
    if (found == NULL)
        return NULL;
    memcpy(found->path, path, size);
    if (*path == '/')
        found->real = realpath(path, NULL);
    if (found->real == NULL)
        found->real = path_below_usr(path);
    return found;
}

static void path_free(struct object_path *path)
{
    free(path->real);
    free(path);
}

const char *object_path_real(struct object_paths *paths, const char *path)
{
    struct object_path *found;
    HASH_FIND_STR(paths->known, path, found);
    if (found == NULL) {
        found = path_look_up(path);
        if (found == NULL)
            return path;
        HASH_ADD_STR(paths->known, path, found);
        if (found->hh.tbl == NULL) {
            path_free(found);
            return path;
        }
    }
    return found->real != NULL ? found->real : path;
}

void object_paths_free(struct object_paths *paths)
{
    struct object_path *path, *next;
    HASH_ITER(hh, paths->known, path, next)
    {
        HASH_DEL(paths->known, path);
        path_free(path);
    }
}
