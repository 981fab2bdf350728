/*
 * Keeps       the system calls that the shim makes, without libc: no errno, no cancellation point,
 *             no interposed wrapper in between.
 * Threads     any, also in signal handlers and forked children.
 * On failure  each returns -errno, as the kernel does.
 */
#ifndef MEMTRACK_BASE_SYS_H
#define MEMTRACK_BASE_SYS_H

#include "syscall.h" /* of the architecture */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SYS_PAGE                                                                                   \
    4096ul /* granularity of what we map; also right where pages are larger: see sys.c */

/* Private zero memory, page aligned; NULL if there is none. */
void *sys_map(size_t size);
void sys_unmap(void *address, size_t size);
/* Is the byte at `address` readable? Asks the kernel; never faults. */
bool sys_readable(const void *address);
int sys_gettid(void);
int sys_getpid(void);
uint64_t sys_clock_ns(int clock);
/* Opens, close-on-exec. */
int sys_open(const char *path, int flags, unsigned mode);
void sys_close(int fd);
ssize_t sys_read(int fd, void *buffer, size_t size);
/* Writes all of it or returns -errno; retries EINTR. */
ssize_t sys_write_all(int fd, const void *bytes, size_t size);
/* Reads a whole small file into `buffer`, at most size bytes; its length or -errno. */
ssize_t sys_slurp(const char *path, void *buffer, size_t size);

#endif
