/* What events do to the books: realloc's four outcomes, handlers' queues, lost and foreign blocks.
 */
#include "track/event.h"
#include "child.h"
#include "fault.h"
#include "stack/site.h"
#include "store/file.h"
#include "track/total.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NEVER UINT64_MAX

static struct mtf_thread mine, others; /* records of two threads */
static struct self self = {.ready = SELF_READY, .thread = 1, .record = &mine};
static uint32_t here, there; /* two call sites */

static const void *address_of(uintptr_t i)
{
    return (const void *)(0x100000 + i * 16);
}

static int start(void **state)
{
    (void)state;
    if (!file_start() || !site_start())
        return -1;
    here = site_at(site_node(0, 0, 0x1000, 0), MTF_DOMAIN_HEAP);
    there = site_at(site_node(0, 0, 0x2000, 0), MTF_DOMAIN_HEAP);
    return here && there ? 0 : -1;
}

static void forget_all(void)
{
    struct live_block block;
    for (uintptr_t i = 0; i < 1000; i++)
        live_remove(address_of(i), NEVER, &block);
    event_inherited = 0;
    total_restart();
    mine = others = (struct mtf_thread){0};
    self = (struct self){.ready = SELF_READY, .thread = 1, .record = &mine};
}

static int begin(void **state)
{
    (void)state;
    forget_all();
    return 0;
}

static uint64_t lost(enum mtf_lost reason)
{
    return file_header->totals.lost[reason];
}

static void expect_live(uint64_t blocks, uint64_t bytes)
{
    assert_int_equal(live_count(), blocks);
    assert_int_equal(file_header->totals.current_blocks, blocks);
    assert_int_equal(file_header->totals.current_bytes, bytes);
}

static void a_block_is_live_from_its_allocation_to_its_free(void **state)
{
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    expect_live(1, 100);
    event_free(&self, address_of(1));
    expect_live(0, 0);
    assert_int_equal(site_record(here)->allocs, 1);
    assert_int_equal(site_record(here)->freed_bytes, 100);
    assert_int_equal(file_header->totals.sequence, total_sequence());
}

static void a_thread_s_record_counts_what_it_does_itself(void **state)
{
    struct self other = {.ready = SELF_READY, .thread = 2, .record = &others};
    struct live_block old;
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    event_alloc(&other, address_of(2), 7, there);
    event_free(&other, address_of(1));
    assert_true(event_realloc_begin(address_of(2), &old));
    event_realloc_done(&self, &old, address_of(3), 70, there);
    event_free(&other, address_of(9)); /* nobody's */
    assert_int_equal(mine.allocs, 2);
    assert_int_equal(mine.alloc_bytes, 170);
    assert_int_equal(mine.frees, 1);
    assert_int_equal(mine.freed_bytes, 7);
    assert_int_equal(others.allocs, 1);
    assert_int_equal(others.alloc_bytes, 7);
    assert_int_equal(others.frees, 1);
    assert_int_equal(others.freed_bytes, 100);
}

static void freeing_an_unknown_pointer_is_counted_as_foreign(void **state)
{
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    event_free(&self, address_of(2));
    event_free(&self, address_of(1));
    event_free(&self, address_of(1));
    expect_live(0, 0);
    assert_int_equal(file_header->totals.foreign_frees, 2);
}

static void an_address_handed_out_twice_was_freed_in_between(void **state)
{
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    event_alloc(&self, address_of(1), 30, there);
    expect_live(1, 30);
    assert_int_equal(site_record(here)->frees, 1);
    assert_int_equal(site_record(there)->frees, 0);
    assert_int_equal(file_header->totals.peak_bytes, 100);
}

/* ---- temporary: freed before the same thread's next allocation ---- */

static void only_a_block_freed_before_the_next_allocation_is_temporary(void **state)
{
    (void)state;
    event_alloc(&self, address_of(1), 1, here);
    event_free(&self, address_of(1));
    assert_int_equal(site_record(here)->temporary, 1);
    event_alloc(&self, address_of(1), 1, here);
    event_alloc(&self, address_of(2), 1, here);
    event_free(&self, address_of(1));
    assert_int_equal(site_record(here)->temporary, 1);
    event_free(&self, address_of(2));
    assert_int_equal(site_record(here)->temporary, 2);
}

static void a_block_freed_by_another_thread_is_not_temporary(void **state)
{
    struct self other = {.ready = SELF_READY, .thread = 2, .record = &others};
    (void)state;
    event_alloc(&self, address_of(1), 1, here);
    event_free(&other, address_of(1));
    assert_int_equal(site_record(here)->temporary, 0);
}

/* ---- realloc's four outcomes ---- */

static void a_realloc_that_moves_is_a_free_and_an_allocation(void **state)
{
    struct live_block old;
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    event_alloc(&self, address_of(9), 1, here);
    assert_true(event_realloc_begin(address_of(1), &old));
    assert_int_equal(live_count(), 1);
    event_realloc_done(&self, &old, address_of(2), 250, there);
    expect_live(2, 251);
    assert_int_equal(site_record(here)->frees, 1);
    assert_int_equal(site_record(there)->reallocs, 1);
    assert_int_equal(site_record(there)->largest, 250);
    assert_int_equal(file_header->totals.peak_bytes, 251);
    assert_false(event_realloc_begin(address_of(1), &old));
    event_free(&self, address_of(2));
    assert_int_equal(site_record(there)->freed_bytes, 250);
}

static void a_realloc_that_frees_leaves_nothing(void **state)
{
    struct live_block old;
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    assert_true(event_realloc_begin(address_of(1), &old));
    event_realloc_freed(&self, &old);
    expect_live(0, 0);
    assert_int_equal(site_record(here)->frees, 1);
    event_realloc_freed(&self, NULL);
    assert_int_equal(file_header->totals.foreign_frees, 1);
}

static void a_realloc_that_fails_leaves_the_block_as_it_was(void **state)
{
    struct live_block old, after;
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    assert_true(event_realloc_begin(address_of(1), &old));
    event_realloc_failed(address_of(1), &old, there);
    expect_live(1, 100);
    assert_int_equal(site_record(there)->failed, 1);
    assert_int_equal(site_record(here)->frees, 0);
    assert_true(event_realloc_begin(address_of(1), &after));
    assert_memory_equal(&after, &old, sizeof old);
    event_realloc_failed(address_of(7), NULL, there);
    assert_int_equal(site_record(there)->failed, 2);
}

static void a_realloc_of_an_unknown_block_is_a_foreign_free_and_an_allocation(void **state)
{
    struct live_block old;
    (void)state;
    assert_false(event_realloc_begin(address_of(1), &old));
    event_realloc_done(&self, NULL, address_of(1), 60, here);
    expect_live(1, 60);
    assert_int_equal(file_header->totals.foreign_frees, 1);
    assert_int_equal(site_record(here)->reallocs, 0);
}

/* ---- after a fork ---- */

static void inherited_blocks_leave_no_trace_in_frees(void **state)
{
    struct live_block old;
    (void)state;
    event_alloc(&self, address_of(1), 100, here);
    event_alloc(&self, address_of(2), 50, here);
    event_inherited = total_sequence();
    total_restart();
    total_inherit(here, 100);
    total_inherit(here, 50);
    event_free(&self, address_of(1));
    assert_int_equal(site_record(here)->inherited_bytes, 50);
    assert_true(event_realloc_begin(address_of(2), &old));
    event_realloc_done(&self, &old, address_of(2), 70, there);
    assert_int_equal(site_record(here)->inherited_blocks, 0);
    assert_int_equal(site_record(here)->frees, 0);
    assert_int_equal(site_record(here)->temporary, 0);
    expect_live(1, 70);
    assert_int_equal(site_record(there)->reallocs, 1);
}

/* ---- queues ---- */

static void queued_events_wait_and_are_then_applied_in_order(void **state)
{
    (void)state;
    event_alloc(&self, address_of(1), 10, here);
    event_queue_free(&self, address_of(1));
    event_queue_alloc(&self, address_of(1), 20, there);
    event_queue_alloc(&self, address_of(2), 30, there);
    assert_int_equal(self.ready, SELF_PENDING);
    assert_int_equal(site_record(there)->allocs, 0);
    event_drain(&self);
    assert_int_equal(self.ready, SELF_READY);
    assert_int_equal(self.pending_count, 0);
    expect_live(2, 50);
    assert_int_equal(site_record(here)->frees, 1);
    assert_int_equal(site_record(there)->frees, 0);
}

static void what_a_handler_allocates_and_frees_is_counted_and_not_live(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        event_queue_alloc(&self, address_of(1), 20, here);
        event_queue_free(&self, address_of(1));
        event_queue_alloc(&self, address_of(1), 5, there);
        event_queue_free(&self, address_of(1));
    }
    event_drain(&self);
    expect_live(0, 0);
    assert_int_equal(site_record(here)->allocs, 3);
    assert_int_equal(site_record(here)->frees, 3);
    assert_int_equal(site_record(there)->freed_bytes, 15);
    assert_int_equal(file_header->totals.foreign_frees, 0);
}

static void a_queued_free_spares_the_block_that_got_its_address_later(void **state)
{
    struct self other = {.ready = SELF_READY, .thread = 2, .record = &others};
    (void)state;
    event_alloc(&self, address_of(1), 10, here);
    event_queue_free(&self, address_of(1));
    event_alloc(&other, address_of(1), 77, there); /* the table ends the old block there */
    event_drain(&self);
    expect_live(1, 77);
    assert_int_equal(site_record(here)->frees, 1);
    assert_int_equal(site_record(there)->frees, 0);
}

static void a_full_queue_counts_each_event_that_it_loses(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < SELF_PENDING_MAX + 9; i++)
        event_queue_alloc(&self, address_of(i), 1, here);
    assert_int_equal(lost(MTF_LOST_NESTED), 9);
    event_drain(&self);
    expect_live(SELF_PENDING_MAX, SELF_PENDING_MAX);
    event_queue_free(&self, address_of(0));
    event_drain(&self);
    expect_live(SELF_PENDING_MAX - 1, SELF_PENDING_MAX - 1);
    assert_int_equal(lost(MTF_LOST_NESTED), 9);
}

/* ---- short of memory ---- */

static void allocate_without_memory(void)
{
    uint64_t events = 100000;
    REQUIRE(start(NULL) == 0);
    fault_all_after(2);
    for (uintptr_t i = 0; i < events; i++)
        event_alloc(&self, address_of(i * 100), 8, here);
    const struct mtf_site *site = site_record(here);
    REQUIRE(lost(MTF_LOST_LIVE) > 0 && site->allocs > 0);
    REQUIRE(site->allocs + lost(MTF_LOST_LIVE) == events);
    REQUIRE(live_count() == site->allocs && live_check());
    for (uintptr_t i = 0; i < events; i++)
        event_free(&self, address_of(i * 100));
    REQUIRE(site->frees == site->allocs && file_header->totals.current_bytes == 0);
    REQUIRE(file_header->totals.foreign_frees == lost(MTF_LOST_LIVE));
}

static void without_memory_each_allocation_is_counted_or_counted_as_lost(void **state)
{
    (void)state;
    assert_int_equal(child_run(allocate_without_memory), 0);
}

/* Each block takes memory of its own, for its size; the first address that was refused. */
static uintptr_t allocate_huge_until_refused(uintptr_t i)
{
    uint64_t before = lost(MTF_LOST_LIVE);
    while (event_alloc(&self, address_of(i), 1ull << 33, here), lost(MTF_LOST_LIVE) == before)
        i++;
    return i;
}

static void realloc_without_memory(void)
{
    struct live_block old;
    REQUIRE(start(NULL) == 0);
    fault_all_after(1); /* the heap's first chunk */
    uintptr_t next = allocate_huge_until_refused(0);
    REQUIRE(next > 1 && event_realloc_begin(address_of(0), &old));
    next = allocate_huge_until_refused(next); /* takes what that gave back */
    event_realloc_done(&self, &old, address_of(next), 1ull << 33, there);
    const struct mtf_totals *totals = &file_header->totals;
    REQUIRE(lost(MTF_LOST_LIVE) == 3 && live_check());
    REQUIRE(totals->current_blocks == live_count());
    REQUIRE(totals->current_bytes == live_count() << 33);
    REQUIRE(site_record(here)->frees == 1 && site_record(there)->allocs == 0);
}

static void a_realloc_whose_block_cannot_be_kept_still_ends_the_old_one(void **state)
{
    (void)state;
    assert_int_equal(child_run(realloc_without_memory), 0);
}

/* ---- any run of events ---- */

static uint64_t random_state = 12345;

static uint64_t random_next(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717ull;
}

#define PLACES 500

static size_t truth[PLACES]; /* size + 1 of the block at each address; 0: none */

static void random_realloc(uintptr_t from, uintptr_t to, size_t size)
{
    struct live_block old;
    bool known = event_realloc_begin(address_of(from), &old);
    assert_true(known);
    assert_int_equal(old.size, truth[from] - 1);
    if (size % 7 == 0) {
        event_realloc_failed(address_of(from), &old, there);
        return;
    }
    truth[from] = 0;
    event_realloc_done(&self, &old, address_of(to), size, there);
    truth[to] = size + 1;
}

/* At times inside of the shim, as in a handler: then the event waits. */
static void random_event(void)
{
    uint64_t value = random_next();
    uintptr_t place = (value >> 8) % PLACES, other = (value >> 32) % PLACES;
    size_t size = (value >> 50) % 5000;
    bool nested = value % 8 == 0 && self.pending_count < SELF_PENDING_MAX;
    if (!nested)
        event_drain(&self); /* as on entering the shim */
    if (truth[place] == 0) {
        nested ? event_queue_alloc(&self, address_of(place), size, here)
               : event_alloc(&self, address_of(place), size, here);
        truth[place] = size + 1;
    } else if (value % 3 == 0 && !nested && (truth[other] == 0 || other == place)) {
        random_realloc(place, other, size);
    } else {
        nested ? event_queue_free(&self, address_of(place)) : event_free(&self, address_of(place));
        truth[place] = 0;
    }
}

static void expect_truth(void)
{
    uint64_t blocks = 0, bytes = 0;
    for (int i = 0; i < PLACES; i++) {
        blocks += truth[i] != 0;
        bytes += truth[i] ? truth[i] - 1 : 0;
    }
    expect_live(blocks, bytes);
    assert_int_equal(site_record(here)->allocs - site_record(here)->frees +
                         site_record(there)->allocs - site_record(there)->frees,
                     blocks);
}

static void any_run_of_events_leaves_table_and_counters_in_agreement(void **state)
{
    (void)state;
    memset(truth, 0, sizeof truth);
    for (int i = 0; i < 400000; i++) {
        random_event();
        if (i % 1001 != 0)
            continue;
        event_drain(&self);
        expect_truth();
    }
    event_drain(&self);
    expect_truth();
    assert_int_equal(file_header->totals.foreign_frees, 0);
    assert_int_equal(lost(MTF_LOST_NESTED) + lost(MTF_LOST_LIVE), 0);
}

#define EVENT_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(without_memory_each_allocation_is_counted_or_counted_as_lost),
        cmocka_unit_test(a_realloc_whose_block_cannot_be_kept_still_ends_the_old_one),
    };
    const struct CMUnitTest tests[] = {
        EVENT_TEST(a_block_is_live_from_its_allocation_to_its_free),
        EVENT_TEST(a_thread_s_record_counts_what_it_does_itself),
        EVENT_TEST(freeing_an_unknown_pointer_is_counted_as_foreign),
        EVENT_TEST(an_address_handed_out_twice_was_freed_in_between),
        EVENT_TEST(only_a_block_freed_before_the_next_allocation_is_temporary),
        EVENT_TEST(a_block_freed_by_another_thread_is_not_temporary),
        EVENT_TEST(a_realloc_that_moves_is_a_free_and_an_allocation),
        EVENT_TEST(a_realloc_that_frees_leaves_nothing),
        EVENT_TEST(a_realloc_that_fails_leaves_the_block_as_it_was),
        EVENT_TEST(a_realloc_of_an_unknown_block_is_a_foreign_free_and_an_allocation),
        EVENT_TEST(inherited_blocks_leave_no_trace_in_frees),
        EVENT_TEST(queued_events_wait_and_are_then_applied_in_order),
        EVENT_TEST(what_a_handler_allocates_and_frees_is_counted_and_not_live),
        EVENT_TEST(a_queued_free_spares_the_block_that_got_its_address_later),
        EVENT_TEST(a_full_queue_counts_each_event_that_it_loses),
        EVENT_TEST(any_run_of_events_leaves_table_and_counters_in_agreement),
    };
    int failed = cmocka_run_group_tests(alone, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, start, NULL);
}
