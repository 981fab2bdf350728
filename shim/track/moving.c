#include "track/moving.h"
#include "base/sys.h"

#include <linux/futex.h>
#include <time.h>

#define MOVING_LOOK_NS 50000000ull

uint32_t moving_gate;

void moving_wait(void)
{
    uint64_t deadline = sys_clock_ns(CLOCK_MONOTONIC) + MOVING_PATIENCE_NS;
    while (load_acquire(&moving_gate) && sys_clock_ns(CLOCK_MONOTONIC) < deadline) {
        struct timespec look = {.tv_nsec = MOVING_LOOK_NS};
        SYS4(SYS_futex, &moving_gate, FUTEX_WAIT_PRIVATE, 1, &look);
    }
}

void moving_shut(void)
{
    store_release(&moving_gate, 1);
}

void moving_open(void)
{
    if (exchange_release(&moving_gate, 0))
        SYS3(SYS_futex, &moving_gate, FUTEX_WAKE_PRIVATE, INT32_MAX);
}
