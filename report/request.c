#include "request.h"
#include "memtrack/format.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool request_parse_pid(const char *text, int *pid)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text < '0' || *text > '9' || number <= 0 ||
        number > INT_MAX)
        return false;
    *pid = (int)number;
    return true;
}

/* A line of /proc/PID/status, behind its key, or false. */
static bool request_status(int pid, const char *key, char *value, size_t size)
{
    char path[64], line[512];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        snprintf(value, size, "%s", line + strlen(key));
        value[strcspn(value, "\n")] = '\0';
        found = true;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* Has its first thread ended, while others may live? */
static bool request_has_left(int pid)
{
    char value[64];
    return !request_status(pid, "State:\t", value, sizeof value) || value[0] == 'Z';
}

/* A thread of the process besides its first one; 0: there is none. */
static int request_other_thread(int pid)
{
    char path[64];
    const struct dirent *entry;
    int other = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    while (folder != NULL && other == 0 &&
           (entry = readdir(folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        long tid = strtol(entry->d_name, NULL, 10);
        if (tid > 0 && tid != pid)
            other = (int)tid;
    }
    if (folder != NULL)
        closedir(folder);
    return other;
}

char request_state(int pid)
{
    char value[64];
    int thread = pid;
    if (request_has_left(pid))
        thread = request_other_thread(pid);
    if (thread == 0 || !request_status(thread, "State:\t", value, sizeof value) || value[0] == 'X')
        return 0;
    return value[0];
}

/* Bit n - 1 of SigCgt is set where signal n has a handler. Without one the signal would end it. */
static bool request_is_caught(int pid, int number)
{
    char value[64];
    if (!request_status(pid, "SigCgt:\t", value, sizeof value))
        return false;
    return strtoull(value, NULL, 16) >> (number - 1) & 1;
}

int request_send(int pid, uint64_t request, char *message, size_t message_size)
{
    siginfo_t info = {.si_signo = MTF_ASK_SIGNAL, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(uintptr_t)(MTF_ASK_MAGIC | request);
    if (!request_is_caught(pid, MTF_ASK_SIGNAL)) {
        snprintf(message, message_size,
                 "process %d does not listen yet, or does not any more; try again", pid);
        return -EAGAIN;
    }
    /* To its first thread: a signal to the process wakes one thread, and another may take it, so that the first
       one's epoll_wait ends for nothing. A first thread that has ended takes none. */
    if (syscall(SYS_rt_tgsigqueueinfo, pid, pid, MTF_ASK_SIGNAL, &info) == 0 &&
        !request_has_left(pid))
        return 0;
    if (syscall(SYS_rt_sigqueueinfo, pid, MTF_ASK_SIGNAL, &info) == 0)
        return 0;
    int error = errno;
    snprintf(message, message_size, "process %d cannot be asked: %m", pid);
    return -error;
}
