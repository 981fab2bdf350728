#include "map/map_path.h"
#include "base/decimal.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/sys.h"
#include "store/name.h"

#include <string.h>

/* The shim must not call malloc, and must not end its host when memory is short. */
#define uthash_malloc(size) heap_alloc(size)
#define uthash_free(piece, size) heap_free((piece), (size))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MAP_PATH_BYTES 4096

struct map_path {
    UT_hash_handle hh;
    mtf_name_ref name;
    char text[];
};

static struct lock path_lock = {.rank = LOCK_PATH};
static struct map_path *path_table; /* LOCK_PATH */

static mtf_name_ref path_add_locked(const char *text, size_t length)
{
    if (HASH_COUNT(path_table) >= MAP_PATHS_MAX)
        return 0;
    struct map_path *path = heap_alloc(sizeof *path + length);
    if (path == NULL)
        return 0;
    memcpy(path->text, text, length);
    path->name = name_add(text, length);
    HASH_ADD(hh, path_table, text, length, path);
    if (path->hh.tbl)
        return path->name;
    mtf_name_ref name = path->name;
    heap_free(path, sizeof *path + length);
    return name;
}

mtf_name_ref map_path_intern(const char *text, size_t length)
{
    struct map_path *path = NULL;
    if (length == 0)
        return 0;
    bool taken = lock_enter(&path_lock);
    HASH_FIND(hh, path_table, text, length, path);
    mtf_name_ref name = path ? path->name : path_add_locked(text, length);
    lock_leave(&path_lock, taken);
    return name;
}

mtf_name_ref map_path_of(int fd)
{
    char link[sizeof "/proc/self/fd/" + DECIMAL_MAX] = "/proc/self/fd/";
    char digits[DECIMAL_MAX];
    char target[MAP_PATH_BYTES];
    if (fd < 0)
        return 0;
    const char *number = decimal_of((uint64_t)fd, digits);
    memcpy(link + strlen(link), number, (size_t)(digits + DECIMAL_MAX - number));
    ssize_t length = sys_link_target(link, target, sizeof target);
    return length > 0 ? map_path_intern(target, (size_t)length) : 0;
}

void map_path_fork_prepare(void)
{
    lock_hold(&path_lock);
}

void map_path_fork_parent(void)
{
    lock_release(&path_lock);
}

void map_path_fork_child(bool whole)
{
    if (lock_reset(&path_lock) && !whole)
        path_table = NULL;
}
