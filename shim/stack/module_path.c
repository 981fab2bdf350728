#include "stack/module_path.h"
#include "base/atomic.h"
#include "base/sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void path_make_absolute(const char *name, char *path)
{
    long length = SYS2(SYS_getcwd, path, MODULE_PATH_MAX);
    size_t used = length > 1 ? (size_t)length - 1 : 0; /* the kernel counts the NUL */
    if (!used || path[0] != '/' || used + 2 + strlen(name) > MODULE_PATH_MAX) {
        strncpy(path, name, MODULE_PATH_MAX - 1);
        return;
    }
    path[used] = '/';
    strncpy(path + used + 1, name, MODULE_PATH_MAX - used - 2);
}

void module_path_find(const char *name, uint32_t flags, char path[MODULE_PATH_MAX])
{
    memset(path, 0, MODULE_PATH_MAX);
    if (flags & MTF_MODULE_PROGRAM) {
        if (sys_link_target("/proc/self/exe", path, MODULE_PATH_MAX) > 0)
            return;
        memset(path, 0, MODULE_PATH_MAX);
    }
    if (!name)
        name = "";
    if (name[0] == '/' || !strchr(name, '/'))
        strncpy(path, name, MODULE_PATH_MAX - 1);
    else
        path_make_absolute(name, path);
}

void module_path_identify(const char *path, struct mtf_module *record)
{
    struct statx file;
    if (path[0] != '/' || load_relaxed(&sys_confined) ||
        SYS6(SYS_statx, AT_FDCWD, path, 0, STATX_BASIC_STATS, &file, 0) != 0)
        return;
    record->inode = file.stx_ino;
    record->file_size = file.stx_size;
    record->mtime_ns = file.stx_mtime.tv_sec * 1000000000ll + file.stx_mtime.tv_nsec;
}
