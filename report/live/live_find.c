#include "live/live_find.h"
#include "memtrack/format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that the process has mapped shared, as a line of /proc/PID/maps says. */
struct mapped_file {
    const char *path; /* within the line, or within /proc */
    unsigned long inode;
};

struct search {
    int pid;
    bool forked;  /* a report was found that is the parent's */
    bool removed; /* a report was found that has no name any more */
    char *found;
};

/* Is this file the one that is mapped, and a report? Says of which process, too. */
static bool is_report(const char *path, unsigned long inode, int *pid)
{
    struct mtf_header header;
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return false;
    bool same = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_ino == inode &&
                pread(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header &&
                memcmp(header.magic, MTF_MAGIC, sizeof header.magic) == 0;
    close(descriptor);
    if (same)
        *pid = header.pid;
    return same;
}

/* The process's id as it sees it itself, in the innermost of its namespaces; 0: not known. */
static int inner_pid(int pid)
{
    char path[64], line[256];
    int inner = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    if (status == NULL)
        return 0;
    while (fgets(line, sizeof line, status) != NULL) {
        const char *last = strncmp(line, "NSpid:", 6) == 0 ? strrchr(line, '\t') : NULL;
        if (last != NULL)
            inner = (int)strtol(last, NULL, 10);
    }
    fclose(status);
    return inner;
}

/* A fork child has its parent's report mapped until it begins its own. */
static void search_take(struct search *search, const char *path, unsigned long inode)
{
    int writer;
    if (search->found != NULL || !is_report(path, inode, &writer))
        return;
    if (writer == search->pid || writer == inner_pid(search->pid))
        search->found = strdup(path);
    else
        search->forked = true;
}

static void search_file(struct search *search, const char *path, unsigned long inode)
{
    char *through = NULL;
    static const char suffix[] = " (deleted)";
    size_t length = strlen(path);
    if (length >= sizeof suffix && strcmp(path + length - (sizeof suffix - 1), suffix) == 0) {
        search->removed |= strstr(path, MTF_SUFFIX) != NULL;
        return;
    }
    search_take(search, path, inode);
    if (search->found == NULL && asprintf(&through, "/proc/%d/root%s", search->pid, path) > 0) {
        search_take(search, through, inode);
        free(through);
    }
}

/* Files mapped shared and writable. Returns how many lines there were, of any kind. */
static size_t search_maps(struct search *search, FILE *maps)
{
    char *line = NULL;
    size_t room = 0, lines = 0;
    unsigned long inode;
    char access[8];
    int at;
    while (getline(&line, &room, maps) > 0) {
        lines++;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%*x-%*x %7s %*x %*s %lu %n", access, &inode, &at) == 2 &&
            strcmp(access, "rw-s") == 0 && line[at] == '/')
            search_file(search, line + at, inode);
    }
    free(line);
    return lines;
}

static int search_open(struct search *search, const char *path, size_t *lines)
{
    FILE *maps = fopen(path, "re");
    if (maps == NULL)
        return -errno;
    errno = 0;
    *lines = search_maps(search, maps);
    int error = ferror(maps) ? -errno : 0;
    fclose(maps);
    return error;
}

/* A first thread that has left has no memory any more; the others show it. */
static int search_threads(struct search *search, size_t *lines)
{
    char path[300];
    const struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/task", search->pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -errno;
    while (*lines == 0 && (entry = readdir(folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        snprintf(path, sizeof path, "/proc/%d/task/%.200s/maps", search->pid, entry->d_name);
        if (entry->d_name[0] != '.')
            search_open(search, path, lines);
    }
    closedir(folder);
    return 0;
}

static int search_fail(const struct search *search, int error, char *message, size_t size)
{
    const char *what = "is not tracked by memtrack; start it with memtrack run";
    if (error == -ENOENT || error == -ESRCH)
        what = "there is no such process, and no such file";
    else if (error == -EACCES || error == -EPERM)
        what = "may not be looked at; become its user, or give the report file itself";
    else if (search->removed)
        what = "writes a report that was removed; start it again";
    else if (search->forked)
        what = "was forked and has no report of its own yet: it has allocated nothing since";
    snprintf(message, size, "process %d: %s", search->pid, what);
    return error != 0 ? error : -ENOENT;
}

int live_find(int pid, char **path, char *message, size_t message_size)
{
    struct search search = {.pid = pid};
    char maps[64];
    size_t lines = 0;
    snprintf(maps, sizeof maps, "/proc/%d/maps", pid);
    int error = search_open(&search, maps, &lines);
    if (error == 0 && lines == 0)
        error = search_threads(&search, &lines);
    *path = search.found;
    return search.found != NULL ? 0 : search_fail(&search, error, message, message_size);
}
