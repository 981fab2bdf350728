#include "lifetime_sum.h"

#include <string.h>

void lifetime_sum(const struct snapshot *snapshot, struct lifetime_sum *sum)
{
    memset(sum, 0, sizeof *sum);
    for (uint32_t i = 0; i < snapshot->lifetime_count; i++) {
        const struct snapshot_lifetime *lifetime = &snapshot->lifetimes[i];
        for (unsigned step = 0; step < MTF_LIFETIME_STEPS; step++) {
            sum->bytes[step] += lifetime->bytes[step];
            sum->time[step] += lifetime->ns[step];
        }
    }
    sum->blocks = lifetime_blocks(sum->bytes);
}

uint64_t lifetime_blocks(const uint64_t steps[MTF_LIFETIME_STEPS])
{
    uint64_t blocks = 0;
    for (unsigned step = 0; step < MTF_LIFETIME_STEPS; step++)
        blocks += steps[step];
    return blocks;
}

unsigned lifetime_median(const uint64_t steps[MTF_LIFETIME_STEPS])
{
    uint64_t half = (lifetime_blocks(steps) + 1) / 2, seen = 0;
    for (unsigned step = 0; step < MTF_LIFETIME_STEPS; step++) {
        seen += steps[step];
        if (seen >= half)
            return step;
    }
    return 0;
}
