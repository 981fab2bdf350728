/* Phases: what each site did in each of them adds up to what it did. */
#include "measure/phase.h"
#include "child.h"
#include "measure/sizes.h"
#include "stack/site.h"
#include "store/file.h"
#include "track/total.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SITES 600u /* more than the first room for them */
#define PHASES 9u

struct account {
    uint64_t allocs, alloc_bytes, frees, freed_bytes, temporary;
};
static struct account accounts[PHASES][SITES];
static uint32_t sites[SITES];
static uint64_t live, peaks[PHASES];

static void work(unsigned phase, uint32_t count)
{
    for (uint32_t step = 0; step < count; step++) {
        uint32_t which = (step * 31 + phase * 7) % (SITES * (phase + 1) / PHASES);
        struct account *account = &accounts[phase][which];
        size_t size = 1 + (size_t)step % 777;
        total_next_sequence();
        total_alloc(sites[which], size);
        account->allocs++;
        account->alloc_bytes += size;
        live += size;
        peaks[phase] = live > peaks[phase] ? live : peaks[phase];
        if (step % 3 == 0) {
            total_free(sites[which], size, step % 2 == 0);
            account->frees++;
            account->freed_bytes += size;
            account->temporary += step % 2 == 0;
            live -= size;
        }
    }
}

static const struct account *account_of(uint32_t phase, uint32_t site)
{
    for (uint32_t i = 0; i < SITES; i++) {
        if (sites[i] == site)
            return &accounts[phase][i];
    }
    return NULL;
}

/* Each record is right and comes once: its account is emptied. */
static void require_every_account(void)
{
    const struct mtf_phase_site *record = file_table(MTF_KIND_PHASE_SITES);
    for (uint64_t i = 0; i < file_count(MTF_KIND_PHASE_SITES); i++, record++) {
        REQUIRE(record->phase < PHASES);
        const struct account *account = account_of(record->phase, record->site);
        REQUIRE(account && account->allocs > 0 && account->allocs == record->allocs);
        REQUIRE(account->alloc_bytes == record->alloc_bytes && account->frees == record->frees);
        REQUIRE(account->freed_bytes == record->freed_bytes);
        REQUIRE(account->temporary == record->temporary);
        memset((void *)account, 0, sizeof *account);
    }
    for (size_t i = 0; i < sizeof accounts; i++)
        REQUIRE(((const char *)accounts)[i] == 0);
}

static void require_every_peak(void)
{
    const struct mtf_phase *phases = file_table(MTF_KIND_PHASES);
    for (unsigned phase = 0; phase < PHASES; phase++)
        REQUIRE(phases[phase].peak_bytes == peaks[phase]);
}

/* So that a phase's peak may be lower than the one of the phase before. */
static void free_all(unsigned phase)
{
    for (uint32_t i = 0; i < SITES; i++) {
        struct account *account = &accounts[phase][i];
        uint64_t blocks = account->allocs - account->frees;
        uint64_t bytes = account->alloc_bytes - account->freed_bytes;
        for (; blocks > 0; blocks--) {
            uint64_t size = blocks == 1 ? bytes : 1;
            total_free(sites[i], size, false);
            account->frees++;
            account->freed_bytes += size;
            live -= size;
            bytes -= size;
        }
    }
}

static void start(void)
{
    REQUIRE(file_start() && site_start());
    sizes_start();
}

static void live_in_phases(void)
{
    start();
    for (unsigned phase = 0; phase < PHASES; phase++) {
        for (uint32_t i = 0; i < SITES * (phase + 1) / PHASES; i++)
            sites[i] = site_at(site_node(0, 0, 0x1000 + i, 0), MTF_DOMAIN_HEAP);
        if (phase > 0)
            total_phase("phase", 5);
        work(phase, phase % 2 == 0 ? 5000 : 500);
        free_all(phase);
    }
    total_seal();
    const struct mtf_phase *phases = file_table(MTF_KIND_PHASES);
    REQUIRE(file_count(MTF_KIND_PHASES) == PHASES && phases[0].name == 0 && phases[1].name != 0);
    REQUIRE(phases[1].sequence == 5000 && phases[1].at_ns > 0 && phases[1].heap_bytes == live);
    require_every_peak();
    require_every_account();
}

static void phases_add_up(void **state)
{
    (void)state;
    assert_int_equal(child_run(live_in_phases), 0);
}

static void live_without_phases(void)
{
    start();
    sites[0] = site_at(site_node(0, 0, 0x1000, 0), MTF_DOMAIN_HEAP);
    work(0, 0);
    total_seal();
    REQUIRE(file_count(MTF_KIND_PHASES) == 0 && file_count(MTF_KIND_PHASE_SITES) == 0);
    total_phase("late", 4);
    REQUIRE(file_count(MTF_KIND_PHASES) == 0);
}

static void without_phases_there_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(child_run(live_without_phases), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_add_up),
        cmocka_unit_test(without_phases_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
