#include "measure/lifetime.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/sys.h"
#include "measure/usage.h"
#include "store/host.h"
#include "ticks.h"

#include <sys/prctl.h>

#define LIFETIME_OLD (1u << 16)
#define LIFETIME_OLD_FIRST_SHIFT 6u /* an old birth stands for 64 allocations at first */

struct lifetime_birth {
    uint64_t sequence;
    uint64_t bytes; /* allocated by the process up to then */
    uint64_t ticks;
};

bool lifetime_is_on;

/* All under it. */
static struct lock lifetime_lock;
static struct lifetime_birth *lifetime_recent; /* by sequence, modulo their number */
static struct lifetime_birth *lifetime_old;    /* by sequence >> lifetime_shift */
static uint32_t lifetime_shift = LIFETIME_OLD_FIRST_SHIFT;
static uint64_t lifetime_bytes; /* allocated so far */

/* What a tick is in time: since the start, looked at again now and then. */
#define LIFETIME_SCALE_BITS 20
#define LIFETIME_SCALE_FIRST_NS 20000u    /* that are waited for at the start */
#define LIFETIME_SCALE_TICKS (1ull << 24) /* between two looks */
static bool lifetime_has_ticks; /* constant after the start; without them, a tick is a nanosecond */
static uint64_t lifetime_first_ticks, lifetime_first_ns, lifetime_looked;
static uint64_t lifetime_scale = 1ull << LIFETIME_SCALE_BITS;

MT_INLINE uint64_t lifetime_ticks(void)
{
    return MT_LIKELY(lifetime_has_ticks) ? arch_ticks() : host_elapsed_ns();
}

static void lifetime_look_at_clock_locked(uint64_t ticks)
{
    uint64_t elapsed = ticks - lifetime_first_ticks;
    unsigned __int128 ns = host_elapsed_ns() - lifetime_first_ns;
    if (elapsed > 0)
        lifetime_scale = (uint64_t)((ns << LIFETIME_SCALE_BITS) / elapsed);
    lifetime_looked = ticks;
}

/* In nanoseconds. Counters of two processors may differ by little: an age is never negative. */
static uint64_t lifetime_age_locked(uint64_t born, uint64_t now)
{
    if (lifetime_has_ticks && now - lifetime_looked > LIFETIME_SCALE_TICKS)
        lifetime_look_at_clock_locked(now);
    uint64_t age = now > born ? now - born : 0;
    return (uint64_t)((unsigned __int128)age * lifetime_scale >> LIFETIME_SCALE_BITS);
}

static void lifetime_start_ticks(void)
{
    int allowed = 0;
    if (!ARCH_HAS_TICKS || SYS2(SYS_prctl, PR_GET_TSC, &allowed) != 0 || allowed != PR_TSC_ENABLE)
        return;
    lifetime_has_ticks = true;
    lifetime_first_ns = host_elapsed_ns();
    lifetime_first_ticks = arch_ticks();
    while (host_elapsed_ns() < lifetime_first_ns + LIFETIME_SCALE_FIRST_NS)
        ;
    lifetime_look_at_clock_locked(arch_ticks());
}

void lifetime_start(void)
{
    lifetime_recent = sys_map(LIFETIME_RECENT * sizeof *lifetime_recent);
    lifetime_old = sys_map(LIFETIME_OLD * sizeof *lifetime_old);
    lifetime_start_ticks();
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
    struct lifetime_birth birth = {.sequence = sequence, .ticks = lifetime_ticks()};
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

/* Step i holds what is below 4^(i + first): a value of so many bits. */
static uint32_t lifetime_step(uint64_t value, uint32_t first)
{
    uint32_t bits = value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
    uint32_t step = bits > 2 * first ? (bits - 2 * first + 1) / 2 : 0;
    return step < MTF_LIFETIME_STEPS ? step : MTF_LIFETIME_STEPS - 1;
}

void lifetime_note_death(uint32_t site, uint64_t sequence)
{
    struct mtf_lifetime *lifetime = usage_lifetime_of(site);
    if (lifetime == NULL)
        return;
    uint64_t now = lifetime_ticks();
    bool taken = lock_enter(&lifetime_lock);
    const struct lifetime_birth *birth = lifetime_birth_of_locked(sequence);
    uint64_t bytes = lifetime_bytes - birth->bytes;
    uint64_t age = lifetime_age_locked(birth->ticks, now);
    lock_leave(&lifetime_lock, taken);
    add_owned(&lifetime->bytes[lifetime_step(bytes, 2)], 1);
    add_owned(&lifetime->ns[lifetime_step(age, 4)], 1);
}

void lifetime_fork_child(void)
{
    lock_reset(&lifetime_lock);
}
