#include "measure/lifetime.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/sys.h"
#include "measure/usage.h"
#include "store/host.h"

#define LIFETIME_OLD (1u << 16)
#define LIFETIME_OLD_FIRST_SHIFT 9u /* an old birth stands for 512 allocations at first */

struct lifetime_birth {
    uint64_t sequence;
    uint64_t bytes; /* allocated by the process up to then */
    uint64_t at_ns;
};

bool lifetime_is_on;

/* All under it. */
static struct lock lifetime_lock;
static struct lifetime_birth *lifetime_recent; /* by sequence, modulo their number */
static struct lifetime_birth *lifetime_old;    /* by sequence >> lifetime_shift */
static uint32_t lifetime_shift = LIFETIME_OLD_FIRST_SHIFT;
static uint64_t lifetime_bytes; /* allocated so far */

void lifetime_start(void)
{
    lifetime_recent = sys_map(LIFETIME_RECENT * sizeof *lifetime_recent);
    lifetime_old = sys_map(LIFETIME_OLD * sizeof *lifetime_old);
    lifetime_is_on = lifetime_recent && lifetime_old;
}

/* Each birth that stays stands for twice as many. */
static void lifetime_thin_out_locked(void)
{
    for (uint32_t i = 0; i < LIFETIME_OLD / 2; i++)
        lifetime_old[i] = lifetime_old[2 * (size_t)i];
    for (uint32_t i = LIFETIME_OLD / 2; i < LIFETIME_OLD; i++)
        lifetime_old[i] = (struct lifetime_birth){0};
    lifetime_shift++;
}

static void lifetime_keep_old_locked(const struct lifetime_birth *birth)
{
    if (birth->sequence & ((1ull << lifetime_shift) - 1))
        return;
    while (birth->sequence >> lifetime_shift >= LIFETIME_OLD)
        lifetime_thin_out_locked();
    lifetime_old[birth->sequence >> lifetime_shift] = *birth;
}

void lifetime_note_birth(uint64_t sequence, size_t size)
{
    struct lifetime_birth birth = {.sequence = sequence, .at_ns = host_elapsed_ns()};
    bool taken = lock_enter(&lifetime_lock);
    lifetime_bytes += size;
    birth.bytes = lifetime_bytes;
    lifetime_recent[sequence % LIFETIME_RECENT] = birth;
    lifetime_keep_old_locked(&birth);
    lock_leave(&lifetime_lock, taken);
}

static const struct lifetime_birth *lifetime_birth_of_locked(uint64_t sequence)
{
    const struct lifetime_birth *birth = &lifetime_recent[sequence % LIFETIME_RECENT];
    return birth->sequence == sequence ? birth : &lifetime_old[sequence >> lifetime_shift];
}

/* Step i holds what is below 4^(i + first). */
static uint32_t lifetime_step(uint64_t value, uint32_t first)
{
    uint32_t step = 0;
    while (step < MTF_LIFETIME_STEPS - 1 && value >> (2 * (step + first)) != 0)
        step++;
    return step;
}

void lifetime_note_death(uint32_t site, uint64_t sequence)
{
    struct mtf_lifetime *lifetime = usage_lifetime_of(site);
    if (lifetime == NULL)
        return;
    uint64_t now = host_elapsed_ns();
    bool taken = lock_enter(&lifetime_lock);
    const struct lifetime_birth *birth = lifetime_birth_of_locked(sequence);
    uint64_t bytes = lifetime_bytes - birth->bytes;
    uint64_t age = now - birth->at_ns;
    lock_leave(&lifetime_lock, taken);
    add_owned(&lifetime->bytes[lifetime_step(bytes, 2)], 1);
    add_owned(&lifetime->ns[lifetime_step(age, 4)], 1);
}

void lifetime_fork_child(void)
{
    lock_reset(&lifetime_lock);
}
