/* The counters: time of an allocation's and a free's share, alone and with the live table. */
#include "base/lock.h"
#include "micro.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/host.h"
#include "track/event.h"
#include "track/thread.h"
#include "track/total.h"

#include <stdio.h>

#define SITES 12u

struct counter_trial {
    const char *name;
    void (*pair)(struct self *self, uint32_t site, unsigned thread);
    size_t steps;
};

static uint32_t counter_sites[MICRO_THREADS_MAX][SITES];

static void counter_pair(struct self *self, uint32_t site, unsigned thread)
{
    (void)self;
    (void)thread;
    total_alloc(site, 100);
    total_free(site, 100, false);
}

static void counter_event(struct self *self, uint32_t site, unsigned thread)
{
    const void *address = (const void *)(((uintptr_t)1 << 44) + ((uintptr_t)thread << 30));
    event_alloc(self, address, 100, site);
    event_free(self, address);
}

static void counter_work(void *context, unsigned thread)
{
    const struct counter_trial *trial = context;
    struct self *self = thread_attach();
    if (self == NULL)
        micro_fail("no thread state");
    for (size_t i = 0; i < trial->steps; i++)
        trial->pair(self, counter_sites[thread][i % SITES], thread);
}

static void counter_make_sites(void)
{
    for (unsigned thread = 0; thread < MICRO_THREADS_MAX; thread++)
        for (uint32_t i = 0; i < SITES; i++)
            counter_sites[thread][i] =
                site_at(site_node(0, 0, 0x1000 + thread * SITES + i, 0), MTF_DOMAIN_HEAP);
}

static void counter_part(const void *argument)
{
    struct counter_trial trial = *(const struct counter_trial *)argument;
    lock_start();
    if (!file_start() || !site_start())
        micro_fail("no memory for the tables");
    host_identify();
    counter_make_sites();
    double one = (double)micro_together(1, counter_work, &trial) / (double)trial.steps;
    double two = (double)micro_together(2, counter_work, &trial) / (double)trial.steps;
    printf("| %s | %.1f | %.1f |\n", trial.name, one, two);
}

void counter_speed(void)
{
    const size_t steps = micro_quick ? 100000 : 20000000;
    const struct counter_trial trials[] = {
        {"counters alone", counter_pair, steps},
        {"a whole event: live table and counters", counter_event, steps},
    };
    puts("\n| malloc + free, ns | one thread | two threads |\n| --- | --- | --- |");
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        micro_alone(counter_part, &trials[i]);
}
