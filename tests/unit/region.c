/* A region against a plain array of what is in it. */
#include "track/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct region_pool pool;

struct model {
    bool here[REGION_GRANULES];
    uint64_t sequence[REGION_GRANULES];
};

static void add(struct region *region, struct model *model, unsigned granule, uint64_t sequence)
{
    struct region_entry *entry = region_add(&pool, region, (uint8_t)granule);
    assert_non_null(entry);
    region_pack(entry, sequence, (uint32_t)sequence & REGION_SITE_MAX, granule, 7);
    model->here[granule] = true;
    model->sequence[granule] = sequence;
}

static void drop(struct region *region, struct model *model, unsigned granule)
{
    region_drop(&pool, region, region_find(region, (uint8_t)granule));
    model->here[granule] = false;
}

static void same(const struct region *region, const struct model *model)
{
    assert_true(region_check(region));
    for (unsigned granule = 0; granule < REGION_GRANULES; granule++) {
        uint64_t bit = region_find(region, (uint8_t)granule);
        assert_int_equal(bit != 0, model->here[granule]);
        if (bit == 0)
            continue;
        const struct region_entry *entry = region_entry_of(region, bit);
        assert_int_equal(region_sequence(entry), model->sequence[granule]);
        assert_int_equal(region_site(entry), model->sequence[granule] & REGION_SITE_MAX);
        assert_int_equal(region_size(entry), granule);
        assert_int_equal(region_thread(entry), 7);
    }
}

static void random_blocks_are_found_with_what_was_said_of_them(void **state)
{
    struct region region = {0, 0};
    struct model model = {.here = {false}};
    uint64_t random = 1;
    (void)state;
    for (uint64_t i = 1; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned granule = (unsigned)(random >> 40) % REGION_GRANULES;
        unsigned crowd = (unsigned)(i / 100) % 64; /* full and empty in turn */
        if (model.here[granule] && (random >> 33) % 64 >= crowd)
            drop(&region, &model, granule);
        else if (!model.here[granule] && (random >> 33) % 64 < crowd)
            add(&region, &model, granule, i);
        same(&region, &model);
    }
}

static void every_granule_can_hold_a_block(void **state)
{
    struct region region = {0, 0};
    struct model model = {.here = {false}};
    (void)state;
    for (unsigned granule = REGION_GRANULES; granule-- > 0;)
        add(&region, &model, granule, REGION_SEQUENCE_MAX - granule);
    same(&region, &model);
    for (unsigned granule = 0; granule < REGION_GRANULES; granule++)
        drop(&region, &model, granule);
    same(&region, &model);
    assert_int_equal(region.piece, 0); /* so large a piece goes back */
}

static void a_piece_that_was_given_back_serves_the_next_region(void **state)
{
    struct region first = {0, 0}, second = {0, 0};
    struct model model = {.here = {false}};
    (void)state;
    add(&first, &model, 3, 1);
    uint64_t piece = first.piece;
    drop(&first, &model, 3);
    assert_int_equal(first.piece, piece); /* a small one stays */
    region_clear(&pool, &first);
    add(&second, &model, 5, 2);
    assert_int_equal(second.piece, piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_blocks_are_found_with_what_was_said_of_them),
        cmocka_unit_test(every_granule_can_hold_a_block),
        cmocka_unit_test(a_piece_that_was_given_back_serves_the_next_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
