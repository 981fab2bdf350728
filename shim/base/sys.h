/*
 * Keeps       the system calls that the shim makes, without libc: no errno, no cancellation point,
 *             no interposed wrapper in between.
 * Threads     any, also in signal handlers and forked children.
 * Memory      none of its own.
 * On failure  each returns -errno, as the kernel does.
 */
#ifndef MEMTRACK_BASE_SYS_H
#define MEMTRACK_BASE_SYS_H

#include "syscall.h" /* of the architecture */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Arguments in the kernel's order; the rest is zero. */
#define SYS1(n, a) sys_call((n), (long)(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b) sys_call((n), (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c) sys_call((n), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) sys_call((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS6(n, a, b, c, d, e, f)                                                                  \
    sys_call((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define SYS_PAGE 4096ul /* smallest page of any system we run on */

/* The system's page size in bytes. */
size_t sys_page_size(void);
size_t sys_round_to_page(size_t size);
/* mmap; an address or -errno as a negative number. */
intptr_t sys_mmap(void *at, size_t size, int protection, int flags, int fd, uint64_t offset);
static inline bool sys_failed(intptr_t result)
{
    return (uintptr_t)result >= (uintptr_t)-4095;
}
/* Private zero memory, page aligned, listed in base/own.h; NULL if there is none. */
void *sys_map(size_t size);
void sys_unmap(void *address, size_t size);
/* Is the byte at `address` readable? Asks the kernel; never faults. */
bool sys_readable(const void *address);
int sys_gettid(void);
int sys_getpid(void);
uint64_t sys_clock_ns(int clock);
/* The host may be killed for a system call that it does not make itself: what opens, asks for or changes files
   then gives -EPERM without a call. Written by hook/confine.c. */
extern bool sys_confined;
/* Opens, close-on-exec. */
int sys_open(const char *path, int flags, unsigned mode);
void sys_close(int fd);
/* Gives the descriptor a high number in place of its own, close-on-exec: the host must get the
   numbers that it would get without us. -1 if there is none; the old one is closed in any case. */
int sys_raise(int fd);
ssize_t sys_read(int fd, void *buffer, size_t size);
/* Bytes read at an offset, or -errno. */
ssize_t sys_read_at(int fd, void *buffer, size_t size, uint64_t offset);
/* Writes all of it at an offset; 0 or -errno. */
int sys_write_at(int fd, const void *bytes, size_t size, uint64_t offset);
/* Reads a whole small file into `buffer`, at most size bytes; its length or -errno. */
ssize_t sys_slurp(const char *path, void *buffer, size_t size);
/* The target of a symbolic link, NUL-terminated in `buffer`; its length or -errno. */
ssize_t sys_link_target(const char *path, char *buffer, size_t size);
/* Soft limit of a resource (RLIMIT_*); UINT64_MAX if there is none. */
uint64_t sys_limit(int resource);

/* What makes two descriptors or paths the same file. */
struct sys_identity {
    uint64_t device;
    uint64_t inode;
};
/* 0 or -errno. */
int sys_identify(int fd, struct sys_identity *identity);
bool sys_is_file_or_terminal(int fd);
/* Is there a file at `path`? Follows links. 0 or -errno. */
int sys_is_folder(const char *path, bool *folder);

#endif
