#include "base/sys.h"
#include "base/atomic.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <termios.h>
#include <time.h>

#ifndef STATX_TYPE
#define STATX_TYPE 0x1U
#define STATX_INO 0x100U
#endif

size_t sys_page_size(void)
{
    size_t size = getauxval(AT_PAGESZ);
    return size ? size : SYS_PAGE;
}

size_t sys_round_to_page(size_t size)
{
    size_t page = sys_page_size();
    return (size + page - 1) & ~(page - 1);
}

intptr_t sys_mmap(void *at, size_t size, int protection, int flags, int fd, uint64_t offset)
{
    return SYS6(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *sys_map(size_t size)
{
    intptr_t result =
        sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sys_failed(result))
        return NULL;
    own_add((void *)result, size);
    return (void *)result;
}

void sys_unmap(void *address, size_t size)
{
    own_remove(address);
    SYS2(SYS_munmap, address, size);
}

/* rt_sigprocmask reads its set before it looks at `how`: a bad `how` gives EINVAL for a readable
   address and EFAULT for another, and changes nothing. */
bool sys_readable(const void *address)
{
    uintptr_t aligned = (uintptr_t)address & ~(uintptr_t)7;
    return SYS4(SYS_rt_sigprocmask, ~0l, aligned, 0, 8) == -EINVAL;
}

bool sys_confined;

int sys_gettid(void)
{
    return (int)SYS1(SYS_gettid, 0);
}

int sys_getpid(void)
{
    return (int)SYS1(SYS_getpid, 0);
}

uint64_t sys_clock_ns(int clock)
{
    struct timespec now = {0, 0};
    SYS2(SYS_clock_gettime, clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define SYS_HIGH_FD 1000u /* above what hosts use, below what makes the kernel's table large */

int sys_open(const char *path, int flags, unsigned mode)
{
    long fd;
    if (load_relaxed(&sys_confined))
        return -EPERM;
    do {
        fd = SYS4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
    } while (fd == -EINTR);
    return (int)fd;
}

void sys_close(int fd)
{
    SYS1(SYS_close, fd);
}

int sys_raise(int fd)
{
    uint64_t limit = sys_limit(RLIMIT_NOFILE);
    uint64_t high = limit > SYS_HIGH_FD ? SYS_HIGH_FD : limit - 1;
    long raised = -EMFILE;
    if (high > (uint64_t)fd)
        raised = SYS3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, high);
    sys_close(fd);
    return raised < 0 ? -1 : (int)raised;
}

ssize_t sys_read(int fd, void *buffer, size_t size)
{
    long got;
    do {
        got = SYS3(SYS_read, fd, buffer, size);
    } while (got == -EINTR);
    return got;
}

ssize_t sys_read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
    long got;
    do {
        got = SYS4(SYS_pread64, fd, buffer, size, offset);
    } while (got == -EINTR);
    return got;
}

int sys_write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
    const char *from = bytes;
    while (size > 0) {
        long wrote = SYS4(SYS_pwrite64, fd, from, size, offset);
        if (wrote == -EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? (int)wrote : -EIO;
        from += wrote;
        offset += (uint64_t)wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

ssize_t sys_slurp(const char *path, void *buffer, size_t size)
{
    int fd = sys_open(path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    size_t length = 0;
    ssize_t got = 0;
    while (length < size && (got = sys_read(fd, (char *)buffer + length, size - length)) > 0)
        length += (size_t)got;
    sys_close(fd);
    return got < 0 ? got : (ssize_t)length;
}

ssize_t sys_link_target(const char *path, char *buffer, size_t size)
{
    if (load_relaxed(&sys_confined))
        return -EPERM;
    long length = SYS4(SYS_readlinkat, AT_FDCWD, path, buffer, size - 1);
    if (length >= 0)
        buffer[length] = '\0';
    return length;
}

uint64_t sys_limit(int resource)
{
    struct {
        uint64_t soft, hard;
    } limit = {UINT64_MAX, UINT64_MAX};
    SYS4(SYS_prlimit64, 0, resource, 0, &limit);
    return limit.soft;
}

int sys_identify(int fd, struct sys_identity *identity)
{
    struct statx about;
    if (load_relaxed(&sys_confined))
        return -EPERM;
    long result = sys_call(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_INO, (long)&about, 0);
    if (result < 0)
        return (int)result;
    identity->device = ((uint64_t)about.stx_dev_major << 32) | about.stx_dev_minor;
    identity->inode = about.stx_ino;
    return 0;
}

bool sys_is_file_or_terminal(int fd)
{
    struct statx about;
    if (sys_call(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_TYPE, (long)&about, 0) < 0)
        return false;
    struct termios terminal;
    return (about.stx_mode & 0170000) == 0100000 || SYS3(SYS_ioctl, fd, TCGETS, &terminal) == 0;
}

int sys_is_folder(const char *path, bool *folder)
{
    struct statx about;
    long result = sys_call(SYS_statx, AT_FDCWD, (long)path, 0, STATX_TYPE, (long)&about, 0);
    if (result < 0)
        return (int)result;
    *folder = (about.stx_mode & 0170000) == 0040000;
    return 0;
}
