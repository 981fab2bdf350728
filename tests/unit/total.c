/* Counters and the exact peak, against a plain account that looks at every step. */
#include "track/total.h"
#include "child.h"
#include "stack/site.h"
#include "store/file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SITES 12
#define BLOCKS_MAX 4096
#define TRIALS 150
#define STEPS 4000

struct account_block {
    uint32_t site;
    bool inherited;
    size_t size;
};

/* What the books must say, kept in the plainest way. */
static struct account {
    struct mtf_site sites[SITES]; /* at_peak_* are of the true peak, whatever the epoch */
    struct account_block blocks[BLOCKS_MAX];
    size_t count;
    uint64_t bytes;   /* live, without inherited ones */
    uint64_t live;    /* blocks, likewise */
    uint64_t peak;    /* bytes */
    uint64_t at_peak; /* blocks */
    uint64_t foreign;
} account;

static uint32_t sites[SITES];
static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717ull;
}

static int start(void **state)
{
    (void)state;
    if (!file_start() || !site_start())
        return -1;
    for (uint32_t i = 1; i < SITES; i++)
        sites[i] = site_at(site_node(0, 0, 0x1000 + i, 0), MTF_DOMAIN_HEAP);
    return sites[SITES - 1] ? 0 : -1;
}

/* Every step looks at every site: this is what the epochs save. */
static void account_look_for_peak(void)
{
    if (account.bytes <= account.peak)
        return;
    account.peak = account.bytes;
    account.at_peak = account.live;
    for (int i = 0; i < SITES; i++) {
        struct mtf_site *site = &account.sites[i];
        site->at_peak_bytes = site->alloc_bytes - site->freed_bytes;
        site->at_peak_blocks = site->allocs - site->frees;
    }
}

static void account_add(uint32_t index, size_t size)
{
    struct mtf_site *site = &account.sites[index];
    site->allocs++;
    site->alloc_bytes += size;
    site->zero_size += size == 0;
    if (size > site->largest)
        site->largest = size;
    account.bytes += size;
    account.live++;
}

static void account_subtract(const struct account_block *block, bool temporary)
{
    struct mtf_site *site = &account.sites[block->site];
    if (block->inherited) {
        site->inherited_blocks--;
        site->inherited_bytes -= block->size;
        return;
    }
    site->frees++;
    site->freed_bytes += block->size;
    site->temporary += temporary;
    account.bytes -= block->size;
    account.live--;
}

static size_t random_size(void)
{
    uint64_t value = random_next();
    return value % 16 == 0 ? 0 : value % 97 == 0 ? value >> 30 : value >> 54;
}

static void step_alloc(void)
{
    struct account_block block = {.site = (uint32_t)(random_next() % SITES), .size = random_size()};
    if (account.count == BLOCKS_MAX)
        return;
    total_alloc(sites[block.site], block.size);
    account_add(block.site, block.size);
    account.blocks[account.count++] = block;
    account_look_for_peak();
}

static void step_free(void)
{
    if (account.count == 0)
        return;
    size_t at = random_next() % account.count;
    struct account_block *block = &account.blocks[at];
    bool temporary = random_next() % 4 == 0;
    if (block->inherited)
        total_free_inherited(sites[block->site], block->size);
    else
        total_free(sites[block->site], block->size, temporary);
    account_subtract(block, temporary);
    *block = account.blocks[--account.count];
}

static void step_realloc(void)
{
    if (account.count == 0)
        return;
    struct account_block *block = &account.blocks[random_next() % account.count];
    struct account_block moved = {.site = (uint32_t)(random_next() % SITES), .size = random_size()};
    bool temporary = random_next() % 4 == 0;
    if (block->inherited)
        total_realloc_inherited(sites[block->site], block->size, sites[moved.site], moved.size);
    else
        total_realloc(sites[block->site], block->size, temporary, sites[moved.site], moved.size);
    account_subtract(block, temporary);
    account_add(moved.site, moved.size);
    account.sites[moved.site].reallocs++;
    *block = moved;
    account_look_for_peak();
}

static void step_rare(void)
{
    uint32_t site = (uint32_t)(random_next() % SITES);
    if (random_next() % 2) {
        total_failed(sites[site]);
        account.sites[site].failed++;
    } else {
        total_foreign_free();
        account.foreign++;
    }
}

/* The share of allocations swings, so that there are many peaks and long ways down. */
static void step(int number)
{
    uint64_t value = random_next() % 100;
    uint64_t allocs = number / 500 % 2 ? 30 : 55;
    if (value < allocs)
        step_alloc();
    else if (value < 85)
        step_free();
    else if (value < 98)
        step_realloc();
    else
        step_rare();
}

static void inherit_some(void)
{
    for (uint64_t n = random_next() % 50; n > 0; n--) {
        struct account_block block = {(uint32_t)(random_next() % SITES), true, random_size()};
        total_inherit(sites[block.site], block.size);
        account.sites[block.site].inherited_blocks++;
        account.sites[block.site].inherited_bytes += block.size;
        account.blocks[account.count++] = block;
    }
}

/* As a reader does it: format.h, struct mtf_site. */
static uint64_t bytes_at_peak(const struct mtf_site *site)
{
    return site->peak_epoch == file_header->totals.peak_epoch
               ? site->at_peak_bytes
               : site->alloc_bytes - site->freed_bytes;
}

static uint64_t blocks_at_peak(const struct mtf_site *site)
{
    return site->peak_epoch == file_header->totals.peak_epoch ? site->at_peak_blocks
                                                              : site->allocs - site->frees;
}

static void expect_site(uint32_t i)
{
    struct mtf_site expected = account.sites[i];
    const struct mtf_site *site = site_record(sites[i]);
    assert_int_equal(bytes_at_peak(site), expected.at_peak_bytes);
    assert_int_equal(blocks_at_peak(site), expected.at_peak_blocks);
    expected.at_peak_bytes = site->at_peak_bytes;
    expected.at_peak_blocks = site->at_peak_blocks;
    expected.peak_epoch = site->peak_epoch;
    expected.node = site->node;
    assert_memory_equal(site, &expected, sizeof expected);
}

static void expect_account(void)
{
    const struct mtf_totals *totals = &file_header->totals;
    uint64_t bytes, blocks;
    total_current(&bytes, &blocks);
    assert_int_equal(bytes, account.bytes);
    assert_int_equal(blocks, account.live);
    assert_int_equal(totals->peak_bytes, account.peak);
    assert_int_equal(totals->peak_blocks, account.at_peak);
    assert_int_equal(totals->foreign_frees, account.foreign);
    for (uint32_t i = 0; i < SITES; i++)
        expect_site(i);
}

static void begin_trial(uint64_t seed)
{
    total_restart();
    memset(&account, 0, sizeof account);
    random_state = seed * 7919 + 1;
}

static void the_peak_of_every_site_equals_brute_force(void **state)
{
    (void)state;
    for (uint64_t trial = 1; trial <= TRIALS; trial++) {
        begin_trial(trial);
        if (trial % 3 == 0)
            inherit_some();
        for (int number = 0; number < STEPS; number++) {
            step(number);
            if (number % 509 == 0)
                expect_account();
        }
        expect_account();
    }
}

static void a_realloc_in_place_is_no_dip_and_no_double_count(void **state)
{
    (void)state;
    begin_trial(1);
    total_alloc(sites[1], 100);
    total_realloc(sites[1], 100, false, sites[2], 100);
    assert_int_equal(file_header->totals.peak_bytes, 100);
    assert_int_equal(file_header->totals.peak_epoch, 1);
    assert_int_equal(bytes_at_peak(site_record(sites[1])), 100);
    assert_int_equal(bytes_at_peak(site_record(sites[2])), 0);
}

static void the_sequence_at_the_peak_is_that_of_the_block_that_made_it(void **state)
{
    (void)state;
    begin_trial(1);
    for (size_t i = 0; i < 10; i++) {
        uint64_t number = total_next_sequence();
        assert_int_equal(number, total_sequence());
        total_alloc(sites[1], i < 7 ? 10 : 0);
    }
    assert_int_equal(file_header->totals.peak_sequence, total_sequence() - 3);
}

static void a_restart_keeps_stacks_and_numbers_alone(void **state)
{
    (void)state;
    begin_trial(1);
    uint64_t number = total_next_sequence();
    uint32_t node = site_record(sites[3])->node;
    uint32_t mapped = site_at(node, MTF_DOMAIN_MAPPINGS);
    total_alloc(sites[3], 10);
    total_failed(sites[3]);
    total_restart();
    struct mtf_site empty = {.node = node};
    assert_int_equal(site_record(mapped)->domain, MTF_DOMAIN_MAPPINGS);
    struct mtf_totals fresh = {.sequence = number};
    assert_memory_equal(site_record(sites[3]), &empty, sizeof empty);
    assert_memory_equal(&file_header->totals, &fresh, sizeof fresh);
}

#define THREADS 4

static void *count_up_and_down(void *context)
{
    uint32_t first = (uint32_t)(uintptr_t)context;
    for (uint32_t i = 0; i < 50000; i++) {
        uint32_t site = sites[(first + i) % SITES];
        total_next_sequence();
        total_alloc(site, i % 100);
        if (i % 8)
            total_free(site, i % 100, false);
    }
    return NULL;
}

static void threads_lose_no_count_and_the_shares_add_up_to_the_peak(void **state)
{
    pthread_t threads[THREADS];
    uint64_t allocs = 0, peak = 0, live = 0;
    (void)state;
    begin_trial(1);
    uint64_t before = total_sequence();
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count_up_and_down, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SITES; i++) {
        const struct mtf_site *site = site_record(sites[i]);
        allocs += site->allocs;
        live += site->alloc_bytes - site->freed_bytes;
        peak += bytes_at_peak(site);
    }
    assert_int_equal(allocs, THREADS * 50000);
    assert_int_equal(total_sequence() - before, THREADS * 50000);
    assert_int_equal(live, file_header->totals.current_bytes);
    assert_int_equal(peak, file_header->totals.peak_bytes);
}

static void nothing_changes_after_the_seal(void **state)
{
    struct mtf_totals sealed;
    struct mtf_site site;
    (void)state;
    begin_trial(5);
    inherit_some();
    for (int number = 0; number < 3000; number++)
        step(number);
    total_seal();
    expect_account();
    sealed = file_header->totals;
    site = *site_record(sites[2]);
    total_alloc(sites[2], 1ull << 40);
    total_free(sites[2], 1, true);
    total_realloc(sites[2], 1, true, sites[2], 1ull << 40);
    total_realloc_inherited(sites[2], 1, sites[2], 1ull << 40);
    total_free_inherited(sites[2], 1);
    total_failed(sites[2]);
    total_foreign_free();
    total_seal();
    assert_memory_equal(&file_header->totals, &sealed, sizeof sealed);
    assert_memory_equal(site_record(sites[2]), &site, sizeof site);
    assert_int_equal(sealed.sealed_alloc_bytes - sealed.sealed_freed_bytes, sealed.current_bytes);
    assert_int_equal(sealed.sealed_allocs - sealed.sealed_frees, sealed.current_blocks);
}

static void the_lock_is_free_on_both_sides_of_a_fork(void **state)
{
    (void)state;
    begin_trial(1);
    total_fork_prepare();
    total_fork_child();
    total_alloc(sites[1], 1);
    total_fork_prepare();
    total_fork_parent();
    total_alloc(sites[1], 1);
    assert_int_equal(site_record(sites[1])->allocs, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peak_of_every_site_equals_brute_force),
        cmocka_unit_test(a_realloc_in_place_is_no_dip_and_no_double_count),
        cmocka_unit_test(the_sequence_at_the_peak_is_that_of_the_block_that_made_it),
        cmocka_unit_test(a_restart_keeps_stacks_and_numbers_alone),
        cmocka_unit_test(threads_lose_no_count_and_the_shares_add_up_to_the_peak),
        cmocka_unit_test(nothing_changes_after_the_seal),
        cmocka_unit_test(the_lock_is_free_on_both_sides_of_a_fork),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
