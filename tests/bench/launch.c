/*
 * Runs a command and writes what it and all its descendants used: the bench's stop-watch.
 *
 *   launch --out FILE [--repeat N] [--set NAME=VALUE]... -- COMMAND [ARGUMENT]...
 *
 * FILE gets one line: wall seconds, CPU seconds (user and system), peak KiB of the largest process,
 * exit status. N runs follow one another and are summed, the peak excepted.
 *
 * Small on purpose: a process inherits its starter's peak across fork and exec, so a starter of
 * several MiB, such as an interpreter, would hide the peak of a small program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS_MAX 16
#define STATUS_USAGE 2
#define STATUS_NOT_RUN 127

struct order {
    const char *out;
    long repeat;
    char *settings[SETTINGS_MAX];
    int setting_count;
    char **command;
};

struct usage {
    double wall_s;
    double cpu_s;
    long peak_kib;
    int status; /* of the first run that failed, else 0 */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/* Value of an option, NULL if `word` is another. */
static char *order_value(char ***words, const char *name)
{
    if (strcmp(**words, name) != 0 || (*words)[1] == NULL)
        return NULL;
    return *++*words;
}

static int order_read(struct order *order, char **words)
{
    *order = (struct order){.repeat = 1};
    for (; *words && strcmp(*words, "--") != 0; words++) {
        char *value;
        if ((value = order_value(&words, "--out")))
            order->out = value;
        else if ((value = order_value(&words, "--repeat")))
            order->repeat = strtol(value, NULL, 10);
        else if ((value = order_value(&words, "--set")) && order->setting_count < SETTINGS_MAX)
            order->settings[order->setting_count++] = value;
        else
            return -1;
    }
    if (*words == NULL || words[1] == NULL || order->out == NULL || order->repeat < 1)
        return -1;
    order->command = words + 1;
    return 0;
}

static void command_become(const struct order *order)
{
    for (int i = 0; i < order->setting_count; i++)
        putenv(order->settings[i]); /* NOLINT(concurrency-mt-unsafe): one thread */
    execvp(order->command[0], order->command);
    fprintf(stderr, "launch: %s: %m\n", order->command[0]);
    _exit(STATUS_NOT_RUN);
}

static int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/* Waits for every descendant: those whose parents ended before them are ours by now. */
static void descendants_wait(pid_t child, struct usage *usage)
{
    struct rusage used;
    int wait_status;
    pid_t pid;
    while ((pid = wait4(-1, &wait_status, 0, &used)) > 0 || errno == EINTR) {
        if (pid <= 0)
            continue;
        usage->cpu_s += seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
        if (used.ru_maxrss > usage->peak_kib)
            usage->peak_kib = used.ru_maxrss;
        if (pid == child && usage->status == 0)
            usage->status = status_of(wait_status);
    }
}

static void command_measure(const struct order *order, struct usage *usage)
{
    double begin = now_s();
    pid_t child = fork();
    if (child == 0)
        command_become(order);
    if (child < 0)
        usage->status = STATUS_NOT_RUN;
    else
        descendants_wait(child, usage);
    usage->wall_s += now_s() - begin;
}

static int usage_write(const struct usage *usage, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -1;
    fprintf(file, "%.6f %.6f %ld %d\n", usage->wall_s, usage->cpu_s, usage->peak_kib,
            usage->status);
    return fclose(file);
}

int main(int argc, char **argv)
{
    struct order order;
    struct usage usage = {0};
    if (argc < 2 || order_read(&order, argv + 1) != 0) {
        fputs("usage: launch --out FILE [--repeat N] [--set NAME=VALUE]... -- COMMAND...\n",
              stderr);
        return STATUS_USAGE;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (long i = 0; i < order.repeat; i++)
        command_measure(&order, &usage);
    if (usage_write(&usage, order.out) != 0) {
        fprintf(stderr, "launch: %s: %m\n", order.out);
        return STATUS_USAGE;
    }
    return usage.status;
}
