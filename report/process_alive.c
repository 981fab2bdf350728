#include "process_alive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fields of /proc/PID/stat that are asked for. */
enum { STAT_STATE = 3, STAT_THREADS = 20, STAT_START = 22 };

/* The name in field 2 may hold anything, so fields are counted from the last parenthesis on. */
static const char *stat_field(const char *text, int wanted)
{
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < wanted; field++) {
        at = strchr(at, ' ');
        if (at != NULL)
            at++;
    }
    return at;
}

/* The first thread is a zombie also where it has left by pthread_exit and others go on. */
static bool stat_alive(const char *text, uint64_t start)
{
    const char *state = stat_field(text, STAT_STATE);
    const char *threads = stat_field(text, STAT_THREADS);
    const char *began = stat_field(text, STAT_START);
    if (began == NULL || strtoull(began, NULL, 10) != start)
        return false;
    return (*state != 'Z' && *state != 'X') || strtoull(threads, NULL, 10) > 1;
}

bool process_alive(int pid, uint64_t start)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    ssize_t length = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return stat_alive(text, start);
}
