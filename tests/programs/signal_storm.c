/* usage: signal_storm MILLISECONDS: a timer interrupts a program that allocates all the time, and
   the handler allocates and frees too. Run it over plugins/bump_allocator, whose functions may be
   called from a signal handler; libc's may not. What the shim does not count it must count as
   missed. */
#include "truth.h"
#include <signal.h>
#include <sys/time.h>
#include <time.h>

static struct truth by_main;
static struct truth by_handler;
static volatile uint64_t handler_runs;

static void in_handler(int signal)
{
    (void)signal;
    void *blocks[3];
    for (size_t i = 0; i < 3; i++)
        blocks[i] = truth_got(&by_handler, malloc(32 + i), 32 + i);
    for (size_t i = 0; i < 3; i++) {
        free(blocks[i]);
        truth_gone(&by_handler, 32 + i);
    }
    handler_runs++;
}

static void start_storm(void)
{
    struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 500}, {0, 500}};
    truth_require(sigaction(SIGALRM, &action, NULL) == 0);
    truth_require(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

static void end_storm(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};
    truth_require(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

static void allocate_all_the_time(int milliseconds)
{
    struct timespec now;
    truth_require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    int64_t end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
    do {
        for (size_t i = 1; i < 200; i++) {
            void *block = truth_got(&by_main, malloc(i), i);
            block = truth_moved(&by_main, realloc(block, 2 * i), i, 2 * i);
            free(block);
            truth_gone(&by_main, 2 * i);
        }
        truth_require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    } while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < end);
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    start_storm();
    allocate_all_the_time(atoi(argv[1]));
    end_storm();
    truth_require(handler_runs > 0);
    truth_add(&by_main, &by_handler);
    truth_write(1, "events allocs=%" PRIu64 " frees=%" PRIu64 " handler_runs=%" PRIu64 "\n",
                by_main.allocs, by_main.frees, handler_runs);
    return 0;
}
