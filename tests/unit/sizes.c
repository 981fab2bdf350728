/* The histogram of sizes: every size in the bucket that format.h names, and none lost. */
#include "measure/sizes.h"
#include "child.h"
#include "store/file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* format.h's words, in 128 bits and with no shifts. */
static bool bucket_holds(uint32_t bucket, size_t size)
{
    if (bucket < MTF_SIZES_EXACT)
        return size == bucket;
    uint32_t power = (bucket - MTF_SIZES_EXACT) / 4, step = (bucket - MTF_SIZES_EXACT) % 4;
    unsigned __int128 unit = (unsigned __int128)256 << power; /* 1024 * 2^k / 4 */
    return size > unit * (4 + step) && size <= unit * (5 + step);
}

static void sizes_have_the_bucket_that_the_format_names(void **state)
{
    (void)state;
    for (size_t size = 0; size < 70000; size++)
        assert_true(bucket_holds(sizes_bucket(size), size));
    for (unsigned power = 17; power < 64; power++) {
        for (int64_t off = -3; off <= 3; off++) {
            for (uint64_t quarter = 4; quarter < 8; quarter++) {
                size_t size = ((1ull << power) >> 2) * quarter + (uint64_t)off;
                assert_true(bucket_holds(sizes_bucket(size), size));
            }
        }
    }
    assert_int_equal(sizes_bucket(SIZE_MAX), MTF_SIZES_COUNT - 1);
}

static uint64_t counted(void)
{
    const struct mtf_size *table = file_table(MTF_KIND_SIZES);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < file_count(MTF_KIND_SIZES); i++)
        sum += table[i].allocs;
    return sum;
}

static void count_some(void)
{
    REQUIRE(file_start());
    sizes_start();
    struct mtf_size *own = sizes_reserve();
    REQUIRE(own && own != sizes_shared);
    for (size_t i = 0; i < 1000; i++)
        sizes_count(i % 3 ? sizes_shared : own, i * i);
    REQUIRE(counted() == 1000);
    REQUIRE(file_count(MTF_KIND_SIZES) == (uint64_t)2 * MTF_SIZES_COUNT);
    sizes_restart();
    REQUIRE(file_count(MTF_KIND_SIZES) == MTF_SIZES_COUNT && counted() == 0);
    sizes_count(sizes_shared, 5);
    REQUIRE(counted() == 1 && sizes_shared[5].allocs == 1);
}

static void all_histograms_together_hold_every_event(void **state)
{
    (void)state;
    assert_int_equal(child_run(count_some), 0);
}

static void count_without_room(void)
{
    REQUIRE(file_start());
    while (sizes_reserve())
        continue;
    sizes_start();
    sizes_count(sizes_shared, 77); /* nowhere, and no harm */
    REQUIRE(sizes_reserve() == NULL);
}

static void without_room_nothing_is_harmed(void **state)
{
    (void)state;
    assert_int_equal(child_run(count_without_room), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_the_bucket_that_the_format_names),
        cmocka_unit_test(all_histograms_together_hold_every_event),
        cmocka_unit_test(without_room_nothing_is_harmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
