/* The blocks that are listed at the end. */
#include "track/sample.h"
#include "base/real.h"
#include "child.h"
#include "fault.h"
#include "stack/site.h"
#include "store/file.h"
#include "track/event.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SITES 20
#define EACH ((size_t)30)

static uint32_t sites[SITES];
static void *blocks[SITES][EACH];

static size_t size_of(uint32_t site, size_t i)
{
    return (size_t)site * 100 + (size_t)i;
}

/* Real blocks, so that the allocator can be asked about them: EACH at each of the sites. */
static void start(void)
{
    struct live_block old;
    REQUIRE(file_start() && site_start());
    real_resolve();
    for (uint32_t site = 0; site < SITES; site++) {
        sites[site] = site_at(site_node(0, 0, 1 + site, 0), MTF_DOMAIN_HEAP);
        for (size_t i = 0; i < EACH; i++) {
            uint64_t sequence = site * EACH + (uint64_t)i + 1;
            struct live_block block = {size_of(site, i), sequence, sites[site], 1};
            blocks[site][i] = malloc(block.size);
            REQUIRE(live_insert(blocks[site][i], &block, &old) == LIVE_INSERTED);
        }
    }
}

static bool record_is_right(const struct mtf_block *record)
{
    for (uint32_t site = 0; site < SITES; site++) {
        for (size_t i = 0; i < EACH; i++) {
            if (record->address == (uintptr_t)blocks[site][i])
                return record->site == sites[site] && record->size == size_of(site, i) &&
                       record->usable == malloc_usable_size(blocks[site][i]) &&
                       record->sequence == site * EACH + (uint64_t)i + 1 && record->thread == 1;
        }
    }
    return false;
}

/* Every listed block is one of ours, no block is listed twice, no site has more than `limit`. */
static void require_list(uint64_t count, uint32_t limit)
{
    uint32_t listed[SITES + 2] = {0};
    const struct mtf_block *records = file_table(MTF_KIND_BLOCKS);
    REQUIRE(file_count(MTF_KIND_BLOCKS) == count);
    for (uint64_t i = 0; i < count; i++) {
        REQUIRE(record_is_right(&records[i]));
        REQUIRE(++listed[records[i].site] <= limit);
        for (uint64_t j = 0; j < i; j++)
            REQUIRE(records[i].address != records[j].address);
    }
}

static void list_some(void)
{
    static const uint32_t limits[] = {0, 1, 10, EACH, 1000, 3};
    start();
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        sample_live_blocks(limits[i]);
        require_list(SITES * (limits[i] < EACH ? limits[i] : EACH), limits[i]);
    }
}

static void each_site_lists_up_to_its_limit(void **state)
{
    (void)state;
    assert_int_equal(child_run(list_some), 0);
}

static void list_with_inherited_blocks(void)
{
    start();
    event_inherited = 5 * EACH + 1; /* all of five sites, and one block of the next */
    sample_live_blocks(EACH);
    require_list((SITES - 5) * EACH - 1, EACH);
}

static void inherited_blocks_are_not_listed(void **state)
{
    (void)state;
    assert_int_equal(child_run(list_with_inherited_blocks), 0);
}

static void list_strange_addresses(void)
{
    static const uintptr_t addresses[] = {8, 0x1000, 0x7ffffffff000, 0x123456789abcdef0, 17};
    struct live_block old;
    REQUIRE(file_start() && site_start());
    real_resolve();
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct live_block block = {10, i + 1, 0, 0};
        live_insert((void *)addresses[i], &block, &old);
    }
    sample_live_blocks(10);
    REQUIRE(file_count(MTF_KIND_BLOCKS) == sizeof addresses / sizeof *addresses);
    const struct mtf_block *record = file_table(MTF_KIND_BLOCKS);
    for (uint64_t i = 0; i < file_count(MTF_KIND_BLOCKS); i++)
        REQUIRE(record[i].usable == 0 && record[i].size == 10);
}

static void an_address_that_cannot_be_read_is_not_asked_about(void **state)
{
    (void)state;
    assert_int_equal(child_run(list_strange_addresses), 0);
}

static void list_without_memory(void)
{
    start();
    for (long n = 0; n < 4; n++) {
        fault_one_after(n);
        sample_live_blocks(EACH);
        uint64_t count = file_count(MTF_KIND_BLOCKS);
        REQUIRE(count == 0 || count == SITES * EACH);
        require_list(count, EACH);
    }
    fault_none();
    sample_live_blocks(EACH);
    require_list(SITES * EACH, EACH);
}

static void without_memory_fewer_are_listed(void **state)
{
    (void)state;
    assert_int_equal(child_run(list_without_memory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_site_lists_up_to_its_limit),
        cmocka_unit_test(inherited_blocks_are_not_listed),
        cmocka_unit_test(an_address_that_cannot_be_read_is_not_asked_about),
        cmocka_unit_test(without_memory_fewer_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
