#include "progress.h"
#include "amount.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_FIRST_NS 1000000000
#define PROGRESS_NEXT_NS 200000000

static bool progress_wanted;
static bool progress_shown;
static int64_t progress_due; /* CLOCK_MONOTONIC, nanoseconds */

static int64_t progress_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void progress_start(void)
{
    progress_wanted = isatty(STDERR_FILENO) == 1;
    progress_due = progress_now() + PROGRESS_FIRST_NS;
}

void progress_step(const char *what, uint64_t done)
{
    if (!progress_wanted)
        return;
    int64_t now = progress_now();
    if (now < progress_due)
        return;
    progress_due = now + PROGRESS_NEXT_NS;
    progress_shown = true;
    fprintf(stderr, "\r%s: %s\033[K", what, amount_count(done).text);
    fflush(stderr);
}

void progress_clear(void)
{
    if (!progress_shown)
        return;
    progress_shown = false;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
