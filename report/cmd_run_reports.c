#include "cmd_run_reports.h"
#include "command.h"
#include "memtrack/format.h"
#include "snapshot.h"
#include "summary.h"
#include "terminal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The header up to its tables is all that is read of a file here. */
#define RUN_HEAD_SIZE offsetof(struct mtf_header, tables)

_Static_assert(offsetof(struct mtf_header, wait_status) == offsetof(struct mtf_header, flags) + 4,
               "written together");

/* A shell pattern for the names that the shim may make of its own pattern: marks become `*`, and so
   does what it adds before the suffix to tell apart what would be equal. */
static char *run_reports_glob(const char *pattern)
{
    size_t suffix = strlen(MTF_SUFFIX);
    size_t length = strlen(pattern);
    char *glob = malloc(2 * length + 2);
    char *to = glob;
    if (glob == NULL)
        return NULL;
    if (length > suffix && strcmp(pattern + length - suffix, MTF_SUFFIX) == 0)
        length -= suffix;
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '%' && i + 1 < length && pattern[i + 1] != '%') {
            *to++ = '*';
            i++;
            continue;
        }
        if (pattern[i] == '%' && i + 1 < length)
            i++;
        if (strchr("*?[]\\", pattern[i]))
            *to++ = '\\';
        *to++ = pattern[i];
    }
    *to++ = '*';
    *to = '\0';
    return glob;
}

static bool run_report_read(int folder, const char *name, int flags, void *head, int *fd)
{
    struct stat status;
    /* Never waits for a FIFO, follows no link: other people's names may lie in this folder. */
    *fd = openat(folder, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    if (*fd < 0)
        return false;
    if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode) &&
        pread(*fd, head, RUN_HEAD_SIZE, 0) == (ssize_t)RUN_HEAD_SIZE)
        return true;
    close(*fd);
    return false;
}

static bool run_report_of(const struct mtf_header *header, uint64_t run_id)
{
    return memcmp(header->magic, MTF_MAGIC, sizeof header->magic) == 0 &&
           header->version == MTF_VERSION && header->byte_order == MTF_BYTE_ORDER &&
           header->run_id == run_id;
}

static int run_reports_add(struct run_reports *reports, const char *folder, const char *name,
                           const struct mtf_header *header)
{
    struct run_report report = {.pid = header->pid,
                                .start_time_ns = header->start_time_ns,
                                .end_kind = header->end_kind,
                                .flags = header->flags,
                                .peak_bytes = header->totals.peak_bytes};
    struct run_report *items =
        reallocarray(reports->items, reports->count + 1, sizeof *reports->items);
    if (items == NULL)
        return -ENOMEM;
    reports->items = items;
    if (asprintf(&report.path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0)
        return -ENOMEM;
    items[reports->count++] = report;
    return 0;
}

/* Adds the file if it belongs to the run. */
static int run_reports_try(struct run_reports *reports, DIR *open_folder, const char *folder,
                           const char *name, uint64_t run_id)
{
    struct mtf_header header;
    int fd;
    if (!run_report_read(dirfd(open_folder), name, O_RDONLY, &header, &fd))
        return 0;
    close(fd);
    return run_report_of(&header, run_id) ? run_reports_add(reports, folder, name, &header) : 0;
}

/* `first` points at the pid whose reports go before all others. */
static int run_reports_compare(const void *left, const void *right, void *first)
{
    const struct run_report *a = left;
    const struct run_report *b = right;
    bool a_first = a->pid == *(pid_t *)first;
    bool b_first = b->pid == *(pid_t *)first;
    if (a_first != b_first)
        return a_first ? -1 : 1;
    if (!a_first && a->peak_bytes != b->peak_bytes)
        return a->peak_bytes > b->peak_bytes ? -1 : 1;
    return a->start_time_ns < b->start_time_ns ? -1 : a->start_time_ns > b->start_time_ns;
}

static int run_reports_scan(struct run_reports *reports, DIR *open_folder, const char *folder,
                            const char *glob, uint64_t run_id)
{
    const struct dirent *entry;
    int error = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this thread's own */
    while (error == 0 && (entry = readdir(open_folder)) != NULL) {
        if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
            continue;
        if (fnmatch(glob, entry->d_name, 0) == 0)
            error = run_reports_try(reports, open_folder, folder, entry->d_name, run_id);
    }
    return error;
}

int run_reports_find(struct run_reports *reports, const char *folder, const char *pattern,
                     uint64_t run_id, pid_t pid)
{
    *reports = (struct run_reports){0};
    DIR *open_folder = opendir(folder);
    if (open_folder == NULL)
        return -errno;
    char *glob = run_reports_glob(pattern);
    int error = glob ? run_reports_scan(reports, open_folder, folder, glob, run_id) : -ENOMEM;
    free(glob);
    closedir(open_folder);
    if (reports->count)
        qsort_r(reports->items, reports->count, sizeof *reports->items, run_reports_compare, &pid);
    return error;
}

void run_reports_free(struct run_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        free(reports->items[i].path);
    free(reports->items);
    *reports = (struct run_reports){0};
}

static void run_report_write_status(struct run_report *report, int wait_status)
{
    struct mtf_header header;
    int fd;
    struct {
        uint32_t flags;
        int32_t wait_status;
    } end;
    if (!run_report_read(AT_FDCWD, report->path, O_RDWR, &header, &fd)) {
        command_warn("%s: cannot note in it how the program ended: %s", report->path,
                     strerrordesc_np(errno));
        return;
    }
    end.flags = header.flags | MTF_FLAG_WAITED;
    end.wait_status = wait_status;
    if (pwrite(fd, &end, sizeof end, offsetof(struct mtf_header, flags)) == sizeof end)
        report->flags = end.flags;
    close(fd);
}

void run_reports_mark(struct run_reports *reports, pid_t pid, int wait_status)
{
    struct run_report *last = NULL;
    for (size_t i = 0; i < reports->count; i++) {
        struct run_report *report = &reports->items[i];
        if (report->pid == pid && (last == NULL || report->start_time_ns >= last->start_time_ns))
            last = report;
    }
    /* One that ended by exec went on as an image that nobody tracked. */
    if (last && last->end_kind != MTF_END_EXEC)
        run_report_write_status(last, wait_status);
}

static void run_report_print(FILE *out, const struct run_report *report, bool color)
{
    struct snapshot *snapshot;
    char message[SNAPSHOT_MESSAGE_SIZE];
    if (snapshot_load(report->path, &snapshot, message, sizeof message) != 0) {
        command_fail("%s", message);
        return;
    }
    summary_print(out, snapshot, color);
    fputs("  read on with       memtrack report ", out);
    terminal_put_string(out, report->path);
    fputc('\n', out);
    snapshot_free(snapshot);
}

void run_reports_print(FILE *out, const struct run_reports *reports, size_t limit,
                       const char *folder, bool color)
{
    for (size_t i = 0; i < reports->count && i < limit; i++)
        run_report_print(out, &reports->items[i], color);
    if (reports->count > limit) {
        fprintf(out, "and %zu processes with smaller peaks; for all: memtrack report ",
                reports->count - limit);
        terminal_put_string(out, folder);
        fputc('\n', out);
    }
}
