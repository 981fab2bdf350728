/* Microbenchmarks of the shim's parts, linked without its hooks.   micro [--quick] */
#include "micro.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool micro_quick;

struct member {
    void (*work)(void *context, unsigned thread);
    void *context;
    unsigned thread;
    pthread_barrier_t *together;
    uint64_t begin_ns; /* written by the member */
    uint64_t end_ns;
};

uint64_t micro_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t micro_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ull;
}

void micro_fail(const char *what)
{
    fprintf(stderr, "micro: %s\n", what);
    _exit(1);
}

size_t micro_resident(void)
{
    unsigned long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2)
        micro_fail("cannot read /proc/self/statm");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *member_run(void *argument)
{
    struct member *member = argument;
    pthread_barrier_wait(member->together);
    member->begin_ns = micro_now_ns();
    member->work(member->context, member->thread);
    member->end_ns = micro_now_ns();
    return NULL;
}

/* From the first member's begin to the last one's end: the starter itself may run late. */
static uint64_t members_spent(const struct member *members, unsigned count)
{
    uint64_t begin_ns = members[0].begin_ns;
    uint64_t end_ns = members[0].end_ns;
    for (unsigned i = 1; i < count; i++) {
        if (members[i].begin_ns < begin_ns)
            begin_ns = members[i].begin_ns;
        if (members[i].end_ns > end_ns)
            end_ns = members[i].end_ns;
    }
    return end_ns - begin_ns;
}

uint64_t micro_together(unsigned threads, void (*work)(void *context, unsigned thread),
                        void *context)
{
    pthread_t ids[MICRO_THREADS_MAX];
    struct member members[MICRO_THREADS_MAX];
    pthread_barrier_t together;
    if (threads == 1) {
        uint64_t begin_ns = micro_now_ns();
        work(context, 0);
        return micro_now_ns() - begin_ns;
    }
    pthread_barrier_init(&together, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        members[i] = (struct member){work, context, i, &together, 0, 0};
        if (pthread_create(&ids[i], NULL, member_run, &members[i]) != 0)
            micro_fail("cannot start a thread");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&together);
    return members_spent(members, threads);
}

void micro_alone(void (*part)(const void *argument), const void *argument)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        part(argument);
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        micro_fail("a part did not end well");
}

int main(int argc, char **argv)
{
    micro_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 2 || (argc == 2 && !micro_quick)) {
        fputs("usage: micro [--quick]\n", stderr);
        return 2;
    }
    live_speed();
    counter_speed();
    capture_speed();
    return 0;
}
