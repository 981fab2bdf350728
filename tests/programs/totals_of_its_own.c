/* A program that tracks its own totals, as people write it by hand: allocated, deallocated and
   current bytes after each phase; the last phase's figures are what a report must say. */
#include "truth.h"

static struct truth counted;

static void *tracked_malloc(size_t size)
{
    return truth_got(&counted, malloc(size), size);
}

static void tracked_free(void *block, size_t size)
{
    free(block);
    truth_gone(&counted, size);
}

static void say_totals(const char *phase)
{
    truth_write(1, "%s: Total allocated: %" PRIu64 " bytes\n", phase, counted.alloc_bytes);
    truth_write(1, "%s: Total deallocated: %" PRIu64 " bytes\n", phase, counted.freed_bytes);
    truth_write(1, "%s: Current usage: %" PRIu64 " bytes\n", phase,
                counted.alloc_bytes - counted.freed_bytes);
}

static void grow_and_shrink(void)
{
    void *blocks[50];
    for (size_t i = 0; i < 50; i++)
        blocks[i] = tracked_malloc(1000 + i);
    say_totals("grown");
    for (size_t i = 0; i < 50; i++)
        tracked_free(blocks[i], 1000 + i);
    say_totals("shrunk");
}

static void *keep(size_t size)
{
    return tracked_malloc(size);
}

int main(void)
{
    grow_and_shrink();
    void *kept[3] = {keep(100), keep(200), keep(300)};
    truth_require(kept[0] != NULL && kept[1] != NULL && kept[2] != NULL);
    say_totals("end");
    truth_write_all(&counted);
    truth_write(1, "truth under keep live_blocks=3 live_bytes=600\n");
    return 0;
}
