/* The timeline: bounded however long it runs, in order, and with no peak between its points. */
#include "measure/timeline.h"
#include "child.h"
#include "measure/sizes.h"
#include "stack/site.h"
#include "store/file.h"
#include "track/total.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEPS 40000u

/* Live bytes after each allocation, by its number: what the points are held against. */
static uint64_t bytes_at[STEPS + 1];

static const struct mtf_point *points(void)
{
    return file_table(MTF_KIND_TIMELINE);
}

static void work(unsigned points_every)
{
    uint32_t site = site_at(site_node(0, 0, 0x1000, 0), MTF_DOMAIN_HEAP);
    size_t sizes[64] = {0};
    uint32_t random = 1;
    for (uint32_t step = 1; step <= STEPS; step++) {
        random = random * 1664525u + 1013904223u;
        size_t *slot = &sizes[random >> 26];
        if (*slot)
            total_free(site, *slot, false);
        *slot = 1 + (random >> 8) % (step < STEPS / 2 ? 5000 : 500);
        total_next_sequence();
        total_alloc(site, *slot);
        bytes_at[step] = file_header->totals.current_bytes;
        if (step % points_every == 0)
            timeline_finish();
    }
}

/* The highest of what was live after the allocations first .. last. */
static uint64_t highest(uint64_t first, uint64_t last)
{
    uint64_t most = 0;
    for (uint64_t i = first; i <= last; i++)
        most = bytes_at[i] > most ? bytes_at[i] : most;
    return most;
}

static void require_no_peak_is_lost(void)
{
    uint64_t count = file_count(MTF_KIND_TIMELINE), before = 0, most = 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct mtf_point *point = &points()[i];
        REQUIRE(i == 0 || point->at_ns >= points()[i - 1].at_ns);
        REQUIRE(point->heap_peak_bytes >= point->heap_bytes);
        if (point->sequence > before)
            REQUIRE(point->heap_peak_bytes >= highest(before + 1, point->sequence));
        before = point->sequence;
        most = point->heap_peak_bytes > most ? point->heap_peak_bytes : most;
    }
    REQUIRE(most == file_header->totals.peak_bytes);
}

static void start(void)
{
    REQUIRE(file_start() && site_start());
    sizes_start();
    timeline_start();
}

static void fill_many_times(void)
{
    start();
    work(3);
    uint64_t count = file_count(MTF_KIND_TIMELINE);
    REQUIRE(count <= TIMELINE_POINTS && count >= TIMELINE_POINTS / 2);
    REQUIRE(points()[count - 1].resident > 100000);
    require_no_peak_is_lost();
    timeline_restart();
    REQUIRE(file_count(MTF_KIND_TIMELINE) == 0);
}

static void a_long_run_keeps_its_peaks_in_bounded_room(void **state)
{
    (void)state;
    assert_int_equal(child_run(fill_many_times), 0);
}

static void let_the_clock_decide(void)
{
    start();
    for (int round = 0; round < 30; round++)
        work(STEPS + 1);
    uint64_t count = file_count(MTF_KIND_TIMELINE);
    uint64_t took = points()[count - 1].at_ns - points()[0].at_ns;
    REQUIRE(count >= 3);
    for (uint64_t i = 1; i < count; i++)
        REQUIRE(points()[i].at_ns >= points()[i - 1].at_ns + TIMELINE_INTERVAL_NS);
    REQUIRE(count <= took / TIMELINE_INTERVAL_NS + 1);
    timeline_finish();
    uint64_t most = 0;
    for (uint64_t i = 0; i <= count; i++)
        most = points()[i].heap_peak_bytes > most ? points()[i].heap_peak_bytes : most;
    REQUIRE(most == file_header->totals.peak_bytes);
}

static void points_are_an_interval_apart(void **state)
{
    (void)state;
    assert_int_equal(child_run(let_the_clock_decide), 0);
}

/* The host may close every descriptor, and open others under our numbers. */
static void lose_the_descriptor(void)
{
    start();
    for (int fd = 3; fd < 1100; fd++)
        close(fd);
    work(1000);
    uint64_t count = file_count(MTF_KIND_TIMELINE);
    REQUIRE(count > 10 && points()[count - 1].resident == 0);
}

static void a_closed_descriptor_costs_the_resident_set_alone(void **state)
{
    (void)state;
    assert_int_equal(child_run(lose_the_descriptor), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_run_keeps_its_peaks_in_bounded_room),
        cmocka_unit_test(points_are_an_interval_apart),
        cmocka_unit_test(a_closed_descriptor_costs_the_resident_set_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
