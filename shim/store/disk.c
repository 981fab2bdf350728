#include "store/disk.h"
#include "base/decimal.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define DISK_PATH_MAX 4096

static struct {
    char path[DISK_PATH_MAX];
    int fd; /* -1: closed */
    uint64_t length;
    struct sys_identity identity;
    bool hidden; /* has no name yet */
} disk = {.fd = -1};

/* Nobody but the owner is to write to it, whatever the umask leaves; and it is to be read by its owner, and
   opened again by us, whatever it takes away. */
#define DISK_MODE 0644
#define DISK_MODE_LEAST 0600

static int disk_know(int fd)
{
    struct statx about;
    int error = sys_identify(fd, &disk.identity);
    if (error == 0 &&
        sys_call(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_MODE, (long)&about, 0) == 0 &&
        (about.stx_mode & DISK_MODE_LEAST) != DISK_MODE_LEAST)
        SYS2(SYS_fchmod, fd, (about.stx_mode & 0777) | DISK_MODE_LEAST);
    return error;
}

int disk_create(const char *path)
{
    int fd = sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, DISK_MODE);
    if (fd < 0)
        return fd;
    int error = disk_know(fd);
    if (error) {
        sys_close(fd);
        SYS3(SYS_unlinkat, AT_FDCWD, path, 0);
        return error;
    }
    memcpy(disk.path, path, strlen(path) + 1);
    disk.length = 0;
    disk.fd = sys_raise(fd);
    return 0;
}

/* The folder that `path` is in. */
static void disk_folder(const char *path, char folder[DISK_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (slash == path)
        length = 1;
    memcpy(folder, length ? path : ".", length ? length : 1);
    folder[length ? length : 1] = '\0';
}

int disk_create_hidden(const char *path)
{
    char folder[DISK_PATH_MAX];
    struct statx found;
    if (strlen(path) >= DISK_PATH_MAX)
        return -ENAMETOOLONG;
    if (SYS6(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &found, 0) == 0)
        return -EEXIST;
    disk_folder(path, folder);
    int fd = sys_open(folder, O_RDWR | O_TMPFILE, DISK_MODE);
    if (fd < 0)
        return fd;
    int error = disk_know(fd);
    disk.fd = sys_raise(fd);
    if (error == 0 && disk.fd < 0)
        error = -EMFILE; /* without a name it could not be opened again */
    if (error) {
        disk_drop(false);
        return error;
    }
    memcpy(disk.path, path, strlen(path) + 1);
    disk.length = 0;
    disk.hidden = true;
    return 0;
}

/* Opened anew: what is mapped from the old descriptor has no name in /proc. */
int disk_publish(void)
{
    char link[32] = "/proc/self/fd/";
    char digits[DECIMAL_MAX];
    if (!disk.hidden)
        return 0;
    const char *number = decimal_of((unsigned)disk.fd, digits);
    memcpy(link + strlen(link), number, (size_t)(digits + DECIMAL_MAX - number));
    long error = SYS6(SYS_linkat, AT_FDCWD, link, AT_FDCWD, disk.path, AT_SYMLINK_FOLLOW, 0);
    if (error)
        return (int)error;
    disk.hidden = false;
    sys_close(disk.fd);
    disk.fd = sys_raise(sys_open(disk.path, O_RDWR | O_NOFOLLOW, 0));
    return 0;
}

static bool disk_is_ours(int fd)
{
    struct sys_identity now;
    return fd >= 0 && sys_identify(fd, &now) == 0 && now.device == disk.identity.device &&
           now.inode == disk.identity.inode;
}

/* A descriptor of the file; *opened tells whether it must be closed after use. */
static int disk_descriptor(bool *opened)
{
    *opened = false;
    if (disk_is_ours(disk.fd))
        return disk.fd;
    disk.fd = -1; /* the host closed it, or put something else there */
    int fd = sys_open(disk.path, O_RDWR | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    if (!disk_is_ours(fd)) {
        sys_close(fd);
        return -ESTALE;
    }
    *opened = true;
    return fd;
}

/* For file systems without fallocate: writing zeros allocates too. */
static int disk_fill(int fd, uint64_t offset, size_t size)
{
    static const char zeros[4096];
    while (size > 0) {
        size_t piece = size < sizeof zeros ? size : sizeof zeros;
        int error = sys_write_at(fd, zeros, piece, offset);
        if (error)
            return error;
        offset += piece;
        size -= piece;
    }
    return 0;
}

static int disk_allocate(int fd, uint64_t offset, size_t size)
{
    if (offset + size > sys_limit(RLIMIT_FSIZE))
        return -EFBIG;
    long error;
    do {
        error = SYS4(SYS_fallocate, fd, 0, offset, size);
    } while (error == -EINTR);
    if (error == -EOPNOTSUPP || error == -ENOSYS)
        return disk_fill(fd, offset, size);
    return (int)error;
}

int64_t disk_extend(size_t size)
{
    bool opened;
    int fd = disk_descriptor(&opened);
    if (fd < 0)
        return fd;
    uint64_t offset = disk.length;
    int error = disk_allocate(fd, offset, size);
    if (opened)
        sys_close(fd);
    if (error)
        return error;
    disk.length += size;
    return (int64_t)offset;
}

void disk_take_back(size_t size)
{
    disk.length -= size;
}

int disk_write(const void *bytes, size_t size, uint64_t offset)
{
    bool opened;
    int fd = disk_descriptor(&opened);
    if (fd < 0)
        return fd;
    int error = sys_write_at(fd, bytes, size, offset);
    if (opened)
        sys_close(fd);
    return error;
}

bool disk_map(void *at, size_t size, uint64_t offset)
{
    bool opened;
    int fd = disk_descriptor(&opened);
    if (fd < 0)
        return false;
    intptr_t mapped =
        sys_mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
    if (opened)
        sys_close(fd);
    return !sys_failed(mapped);
}

void disk_drop(bool remove)
{
    if (remove && disk.path[0] && !disk.hidden)
        SYS3(SYS_unlinkat, AT_FDCWD, disk.path, 0);
    if (disk_is_ours(disk.fd))
        sys_close(disk.fd);
    disk.fd = -1;
    disk.path[0] = '\0';
    disk.hidden = false;
    disk.length = 0;
}

const char *disk_path(void)
{
    return disk.path;
}

uint64_t disk_length(void)
{
    return disk.length;
}
