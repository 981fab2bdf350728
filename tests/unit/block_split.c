/* Blocks told apart by when they were live: for any history of blocks there is a split, and it adds up. */
#include "export/block_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void part_add(struct figures *figures, uint64_t size, bool peak, bool live)
{
    figures->allocs++;
    figures->alloc_bytes += size;
    figures->peak_blocks += peak;
    figures->peak_bytes += peak ? size : 0;
    figures->live_blocks += live;
    figures->live_bytes += live ? size : 0;
}

static void expect_sound(const struct figures *figures)
{
    struct block_split split;
    assert_true(block_split(figures, &split));
    const struct block_part *parts[] = {&split.both, &split.peak_only, &split.end_only,
                                        &split.neither};
    uint64_t blocks = 0, bytes = 0;
    for (size_t i = 0; i < 4; i++) {
        blocks += parts[i]->blocks;
        bytes += parts[i]->bytes;
        assert_true(parts[i]->blocks > 0 || parts[i]->bytes == 0);
        assert_true(parts[i]->blocks <= figures->allocs);
        assert_true(parts[i]->bytes <= figures->alloc_bytes);
    }
    assert_int_equal(blocks, figures->allocs);
    assert_int_equal(bytes, figures->alloc_bytes);
    assert_int_equal(split.both.blocks + split.peak_only.blocks, figures->peak_blocks);
    assert_int_equal(split.both.bytes + split.peak_only.bytes, figures->peak_bytes);
    assert_int_equal(split.both.blocks + split.end_only.blocks, figures->live_blocks);
    assert_int_equal(split.both.bytes + split.end_only.bytes, figures->live_bytes);
}

static void every_history_of_blocks_has_a_split(void **state)
{
    (void)state;
    srand(7); /* NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time */
    for (int round = 0; round < 20000; round++) {
        struct figures figures = {0};
        int count = 1 + rand() % 6;       /* NOLINT(concurrency-mt-unsafe): one thread */
        int sizes = 1 + rand() % 3 * 500; /* NOLINT(concurrency-mt-unsafe) */
        for (int i = 0; i < count; i++) {
            int way = rand() % 4;                       /* NOLINT(concurrency-mt-unsafe) */
            uint64_t size = (uint64_t)(rand() % sizes); /* NOLINT(concurrency-mt-unsafe) */
            part_add(&figures, size, way & 1, way & 2);
        }
        expect_sound(&figures);
    }
}

static void figures_that_contradict_themselves_have_none(void **state)
{
    (void)state;
    struct block_split split;
    const struct figures more_live = {
        .allocs = 1, .live_blocks = 2, .live_bytes = 10, .alloc_bytes = 20};
    const struct figures no_blocks = {.allocs = 1, .alloc_bytes = 20, .peak_bytes = 10};
    const struct figures too_many = {
        .allocs = 5, .alloc_bytes = 20, .peak_blocks = 1, .peak_bytes = 21};
    assert_false(block_split(&more_live, &split));
    assert_false(block_split(&no_blocks, &split));
    assert_false(block_split(&too_many, &split));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_history_of_blocks_has_a_split),
        cmocka_unit_test(figures_that_contradict_themselves_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
