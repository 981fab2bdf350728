/* The blocks of a leak check, and the way from an address to its block, against a plain list. */
#include "scan/census.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BLOCKS 3000

struct model_block {
    uintptr_t start;
    size_t size;
    unsigned char flags;
};

static uint64_t random_state;
static unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u; /* Knuth's */
    return (unsigned)(random_state >> 33) % limit;
}

static struct model_block model[BLOCKS];
static unsigned model_count;

static void model_source(struct census *census)
{
    for (unsigned i = 0; i < model_count; i++)
        census_add(census, model[i].start, model[i].size, i + 1, 1, i, model[i].flags);
}

/* Announces more blocks than come. */
static void model_source_that_shrinks(struct census *census)
{
    if (census_is_counting(census)) {
        census_expect(census, 0x5, 3);
        census_expect(census, 0x7fff, 2);
    }
    model_source(census);
}

/* The block that the census must find: the innermost, which no other begins in. */
static unsigned model_find(uintptr_t address)
{
    for (unsigned i = 0; i < model_count; i++) {
        uintptr_t last = model[i].start + (model[i].size ? model[i].size - 1 : 0);
        bool inner = address >= model[i].start && address <= last;
        for (unsigned other = 0; inner && other < model_count; other++)
            inner = other == i || model[other].start < model[i].start || model[other].start > last;
        if (inner)
            return i;
    }
    return CENSUS_NONE;
}

static void require_the_same(const struct census *census, uintptr_t address)
{
    uint32_t found = census_find(census, address);
    unsigned wanted = model_find(address);
    assert_int_equal(found == CENSUS_NONE, wanted == CENSUS_NONE);
    if (found != CENSUS_NONE)
        assert_int_equal(census->blocks[found].site, wanted);
    const uint32_t *bucket = census_prefetch(census, address);
    census_prefetch_blocks(census, bucket, address);
}

static void shuffle(void)
{
    for (unsigned i = model_count; i-- > 1;) {
        unsigned other = random_below(i + 1);
        struct model_block kept = model[i];
        model[i] = model[other];
        model[other] = kept;
    }
}

/* Small ones packed, large ones that span areas, gaps, blocks of no bytes and at odd addresses. */
static void make_model(unsigned seed)
{
    uintptr_t at = 0x555500000000 + (uintptr_t)seed * 977;
    random_state = seed;
    for (model_count = 0; model_count < BLOCKS; model_count++) {
        unsigned kind = random_below(100);
        size_t size = kind < 90   ? random_below(600)
                      : kind < 97 ? random_below(5000)
                                  : random_below(3000000);
        at += kind % 10 == 0 ? random_below(900000) : 16;
        model[model_count] = (struct model_block){.start = at, .size = size};
        at += size;
    }
    shuffle();
}

static void every_address_leads_to_its_block(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct census census;
        make_model(seed);
        assert_true(census_take(&census, model_source));
        assert_int_equal(census.count, model_count);
        assert_true(census_check(&census));
        for (unsigned i = 0; i < 300; i++) {
            const struct model_block *block = &model[random_below(model_count)];
            require_the_same(&census, block->start + random_below(5000) - 500);
            require_the_same(&census, block->start);
            require_the_same(&census, block->start + block->size);
            require_the_same(&census, block->start - 1);
        }
        census_drop(&census);
    }
}

static void what_holds_others_is_left_out(void **state)
{
    (void)state;
    static const struct model_block blocks[] = {
        {0x100000, 0x400000, CENSUS_MAPPING}, /* holds the next three */
        {0x110000, 100, 0},
        {0x200000, 0x1000, 0}, /* holds the next */
        {0x200100, 50, CENSUS_POOLED},
        {0x900000, 0x100000, CENSUS_MAPPING},
        {0xa00000, 10, 0}, /* right behind it */
    };
    struct census census;
    model_count = sizeof blocks / sizeof *blocks;
    for (unsigned i = 0; i < model_count; i++)
        model[i] = blocks[i];
    for (unsigned seed = 0; seed < 20; seed++) {
        assert_true(census_take(&census, model_source));
        assert_int_equal(census.count, 4);
        assert_true(census_check(&census));
        assert_int_equal(census_find(&census, 0x100000), CENSUS_NONE);
        assert_int_equal(census_find(&census, 0x200000), CENSUS_NONE);
        assert_int_equal(census.blocks[census_find(&census, 0x200110)].size, 50);
        assert_int_equal(census.blocks[census_find(&census, 0x9fffff)].size, 0x100000);
        census_drop(&census);
        shuffle();
    }
}

static void blocks_that_were_announced_and_did_not_come_leave_no_gap(void **state)
{
    struct census census;
    (void)state;
    make_model(9);
    assert_true(census_take(&census, model_source_that_shrinks));
    assert_int_equal(census.count, model_count);
    assert_true(census_check(&census));
    census_drop(&census);
}

static void a_census_of_nothing_finds_nothing(void **state)
{
    struct census census;
    (void)state;
    model_count = 0;
    assert_true(census_take(&census, model_source));
    assert_int_equal(census.count, 0);
    assert_int_equal(census_find(&census, 0x1234), CENSUS_NONE);
    census_drop(&census);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_leads_to_its_block),
        cmocka_unit_test(what_holds_others_is_left_out),
        cmocka_unit_test(blocks_that_were_announced_and_did_not_come_leave_no_gap),
        cmocka_unit_test(a_census_of_nothing_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
