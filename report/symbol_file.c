#include "symbol_file.h"
#include "command.h"
#include "memtrack/format.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Where distributions put separate debug files. */
#define SYMBOL_DEBUG_FOLDER "/usr/lib/debug/.build-id"
/* A server that gives less than 100 KB in this time is given up (debuginfod's own measure)... */
#define SYMBOL_SERVER_TIMEOUT "5"
/* ...without asking again... */
#define SYMBOL_SERVER_RETRIES "0"
/* ...and all servers, once we waited this long in vain. */
#define SYMBOL_SERVER_PATIENCE_NS 10000000000ll

/* One thread at a time asks servers: the environment is all that they can be told by. */
static pthread_mutex_t symbol_servers = PTHREAD_MUTEX_INITIALIZER;
static long long symbol_wasted_ns; /* waiting for servers that had nothing; symbol_servers */

static long long symbol_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static bool symbol_servers_locked(void)
{
    if (command_environment("DEBUGINFOD_URLS") == NULL)
        return false;
    if (symbol_wasted_ns > SYMBOL_SERVER_PATIENCE_NS) {
        unsetenv("DEBUGINFOD_URLS"); /* NOLINT(concurrency-mt-unsafe): the lock */
        return false;
    }
    setenv("DEBUGINFOD_TIMEOUT", SYMBOL_SERVER_TIMEOUT, 0);     /* NOLINT(concurrency-mt-unsafe) */
    setenv("DEBUGINFOD_RETRY_LIMIT", SYMBOL_SERVER_RETRIES, 0); /* NOLINT(concurrency-mt-unsafe) */
    return true;
}

/* Are there servers to ask? Then the caller is the one that may, until symbol_servers_done. */
static bool symbol_servers_begin(long long *start)
{
    pthread_mutex_lock(&symbol_servers);
    bool asked = symbol_servers_locked();
    *start = symbol_clock_ns();
    if (!asked)
        pthread_mutex_unlock(&symbol_servers);
    return asked;
}

static void symbol_servers_done(long long start, bool found)
{
    if (!found)
        symbol_wasted_ns += symbol_clock_ns() - start;
    pthread_mutex_unlock(&symbol_servers);
}

static int symbol_find_debuginfo(Dwfl_Module *module, void **user, const char *name,
                                 Dwarf_Addr base, const char *file, const char *link,
                                 GElf_Word checksum, char **found)
{
    long long start;
    bool asked = symbol_servers_begin(&start);
    int fd = dwfl_standard_find_debuginfo(module, user, name, base, file, link, checksum, found);
    if (asked)
        symbol_servers_done(start, fd >= 0);
    return fd;
}

/* Opens the separate debug file that the build-id names, as if it were the module itself. */
static int symbol_open_debug(const uint8_t *id, size_t length, char **found)
{
    char path[sizeof SYMBOL_DEBUG_FOLDER + 2ul * MTF_BUILD_ID_MAX + 16];
    if (length < 2 || length > MTF_BUILD_ID_MAX)
        return -1;
    int at = snprintf(path, sizeof path, "%s/%02x/", SYMBOL_DEBUG_FOLDER, id[0]);
    for (size_t i = 1; i < length; i++)
        at += snprintf(path + at, sizeof path - (size_t)at, "%02x", id[i]);
    snprintf(path + at, sizeof path - (size_t)at, ".debug");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        *found = strdup(path);
    return fd;
}

static int symbol_find_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                           char **found, Elf **elf)
{
    const unsigned char *id;
    GElf_Addr id_address;
    int length = dwfl_module_build_id(module, &id, &id_address);
    if (length <= 0)
        return -1;
    int fd = symbol_open_debug(id, (size_t)length, found);
    long long start;
    if (fd >= 0 || !symbol_servers_begin(&start))
        return fd;
    fd = dwfl_build_id_find_elf(module, user, name, base, found, elf);
    symbol_servers_done(start, fd >= 0);
    return fd;
}

static const Dwfl_Callbacks symbol_callbacks = {
    .find_elf = symbol_find_elf,
    .find_debuginfo = symbol_find_debuginfo,
};

static bool symbol_same_id(int fd, const struct symbol_module *recorded, bool *has_id)
{
    const void *id = NULL;
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    ssize_t length = elf ? dwelf_elf_gnu_build_id(elf, &id) : -1;
    *has_id = length > 0;
    bool same = *has_id && (uint64_t)length == recorded->build_id_length &&
                memcmp(id, recorded->build_id, (size_t)length) == 0;
    if (elf)
        elf_end(elf);
    return same;
}

/* NULL, or why the open file is not the one that the run used. */
static const char *symbol_difference(int fd, const struct symbol_module *recorded)
{
    struct stat now;
    bool has_id;
    if (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode))
        return "is not a regular file any more";
    bool same = symbol_same_id(fd, recorded, &has_id);
    if (recorded->build_id_length)
        return same ? NULL : "changed on disk since the run (other build-id)";
    if (has_id)
        return "changed on disk since the run (it has a build-id now)";
    int64_t mtime_ns = now.st_mtim.tv_sec * 1000000000ll + now.st_mtim.tv_nsec;
    if ((recorded->file_size && recorded->file_size != (uint64_t)now.st_size) ||
        (recorded->mtime_ns && recorded->mtime_ns != mtime_ns))
        return "changed on disk since the run (no build-id; other size or time)";
    return NULL;
}

static const char *symbol_unopened(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "is not on this disk any more";
    case EACCES:
    case EPERM:
        return "may not be read by this user";
    default:
        return "cannot be read";
    }
}

/* The recorded path, when the file there is still the one of the run; takes no fd on failure. */
static void symbol_report_path(struct symbol_file *file, const struct symbol_module *recorded)
{
    int fd = open(recorded->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        file->complaint = symbol_unopened(errno);
        return;
    }
    file->complaint = symbol_difference(fd, recorded);
    if (file->complaint == NULL) {
        file->module = dwfl_report_elf(file->dwfl, recorded->path, recorded->path, fd, 0, true);
        if (file->module)
            return;
        file->complaint = "is not an ELF file that can be read";
    }
    close(fd);
}

/* Without the file: what the build-id alone finds. Its names are right all the same. */
static void symbol_report_id(struct symbol_file *file, const struct symbol_module *recorded)
{
    GElf_Addr bias;
    if (recorded->build_id_length == 0 || recorded->end <= recorded->start)
        return;
    Dwfl_Module *module =
        dwfl_report_module(file->dwfl, recorded->path, recorded->start - recorded->bias,
                           recorded->end - recorded->bias);
    if (module == NULL ||
        dwfl_module_report_build_id(module, recorded->build_id, recorded->build_id_length, 0) != 0)
        return;
    if (dwfl_module_getelf(module, &bias) != NULL)
        file->module = module;
}

void symbol_file_open(struct symbol_file *file, const struct symbol_module *recorded)
{
    *file = (struct symbol_file){0};
    if (recorded->flags & MTF_MODULE_VDSO)
        return;
    elf_version(EV_CURRENT);
    file->dwfl = dwfl_begin(&symbol_callbacks);
    if (file->dwfl == NULL)
        return;
    dwfl_report_begin(file->dwfl);
    symbol_report_path(file, recorded);
    if (file->module == NULL)
        symbol_report_id(file, recorded);
    dwfl_report_end(file->dwfl, NULL, NULL);
}

void symbol_file_close(struct symbol_file *file)
{
    if (file->dwfl)
        dwfl_end(file->dwfl);
    *file = (struct symbol_file){0};
}
