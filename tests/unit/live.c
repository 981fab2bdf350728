/* The live table against plain arrays: what it must hold after any run of inserts and removes. */
#include "track/live.h"
#include "child.h"
#include "fault.h"
#include "stack/site.h"
#include "track/huge.h"
#include "track/live_table.h"
#include "track/total.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ANY UINT64_MAX
#define CHECK_EVERY 65536

/* What should be in the table of the addresses base, base + step, base + 2 step … */
struct model {
    uintptr_t base;
    uintptr_t step;
    size_t places;
    uint64_t random;
    uint64_t live;
    uint64_t sequence;
    struct live_block *blocks; /* sequence 0: not in the table */
};

/* xorshift64* (Vigna): the same run for the same seed, on every system. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ull;
}

static const void *model_address(const struct model *model, size_t place)
{
    return (const void *)(model->base + place * model->step);
}

static struct model model_make(uintptr_t base, uintptr_t step, size_t places)
{
    struct model model = {.base = base, .step = step, .places = places, .random = base + step};
    model.blocks = calloc(places, sizeof *model.blocks);
    return model;
}

/* Mostly small; at times around the largest size that an entry holds, or far above it. */
static size_t random_size(uint64_t *state)
{
    uint64_t value = random_next(state);
    if (value % 64 != 0)
        return value >> 50;
    return (size_t)HUGE_LEAST - 2 + (value >> 8) % 4 + (value >> 16) % 3 * (1ull << 40);
}

static bool blocks_are_equal(const struct live_block *a, const struct live_block *b)
{
    return a->size == b->size && a->sequence == b->sequence && a->site == b->site &&
           a->thread == b->thread;
}

static bool model_insert(struct model *model, size_t place)
{
    struct live_block old = {0, 0, 0, 0};
    struct live_block *kept = &model->blocks[place];
    struct live_block block = {.size = random_size(&model->random),
                               .sequence = ++model->sequence,
                               .site = (uint32_t)random_next(&model->random) % SITE_MAX,
                               .thread = (uint32_t)(random_next(&model->random) % LIVE_THREAD_MAX)};
    enum live_result result = live_insert(model_address(model, place), &block, &old);
    bool right = kept->sequence ? result == LIVE_REPLACED && blocks_are_equal(&old, kept)
                                : result == LIVE_INSERTED;
    model->live += kept->sequence == 0;
    *kept = block;
    return right;
}

/* Half of the removes set a bound that the block may be too new for. */
static bool model_remove(struct model *model, size_t place)
{
    struct live_block got;
    struct live_block *kept = &model->blocks[place];
    uint64_t choice = random_next(&model->random);
    uint64_t newest = choice & 1 ? ANY : (choice >> 8) % (model->sequence + 1);
    bool expected = kept->sequence && kept->sequence <= newest;
    bool found = live_remove(model_address(model, place), newest, &got);
    bool right = found == expected && (!found || blocks_are_equal(&got, kept));
    if (expected) {
        kept->sequence = 0;
        model->live--;
    }
    return right;
}

/* The share of inserts swings, so that regions and tables fill and empty again and again. */
static bool model_operate(struct model *model, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; i++) {
        uint64_t inserts = i / (model->places * 2 + 1) % 2 ? 20 : 80;
        uint64_t value = random_next(&model->random);
        size_t place = (value >> 16) % model->places;
        if (!(value % 100 < inserts ? model_insert(model, place) : model_remove(model, place)))
            return false;
    }
    return true;
}

static void model_visit(const void *address, const struct live_block *block, void *context)
{
    struct model *model = context;
    size_t place = ((uintptr_t)address - model->base) / model->step;
    if (place < model->places && model_address(model, place) == address &&
        blocks_are_equal(block, &model->blocks[place]))
        model->live--;
}

/* Every block of the table is one of the model's; `live` counts down to those that are missing. */
static void model_expect_same(struct model *model)
{
    uint64_t live = model->live;
    assert_int_equal(live_count(), live);
    live_each(model_visit, model);
    assert_int_equal(model->live, 0);
    model->live = live;
}

static void model_clear(struct model *model)
{
    struct live_block got;
    for (size_t place = 0; place < model->places; place++) {
        bool found = live_remove(model_address(model, place), ANY, &got);
        assert_int_equal(found, model->blocks[place].sequence != 0);
    }
    free(model->blocks);
    assert_int_equal(live_count(), 0);
    assert_true(live_check());
}

static void model_run(uintptr_t base, uintptr_t step, size_t places, uint64_t operations)
{
    struct model model = model_make(base, step, places);
    for (uint64_t done = 0; done < operations; done += CHECK_EVERY) {
        assert_true(model_operate(&model, CHECK_EVERY));
        assert_true(live_check());
    }
    model_expect_same(&model);
    model_clear(&model);
}

static struct live_block block_of(size_t size, uint64_t sequence)
{
    return (struct live_block){.size = size, .sequence = sequence, .site = 3, .thread = 5};
}

static void freeing_an_unknown_pointer_changes_nothing(void **state)
{
    struct live_block got;
    struct live_block block = block_of(24, 1);
    (void)state;
    assert_false(live_remove((void *)0x5000, ANY, &got));
    live_insert((void *)0x5000, &block, &got);
    assert_false(live_remove((void *)0x5010, ANY, &got));
    assert_false(live_remove((void *)0x5001, ANY, &got));
    assert_int_equal(live_count(), 1);
    assert_true(live_remove((void *)0x5000, ANY, &got));
    assert_true(blocks_are_equal(&got, &block));
    assert_false(live_remove((void *)0x5000, ANY, &got));
}

static void a_block_newer_than_the_bound_stays(void **state)
{
    struct live_block got;
    struct live_block block = block_of(24, 7);
    (void)state;
    live_insert((void *)0x5000, &block, &got);
    assert_false(live_remove((void *)0x5000, 6, &got));
    assert_true(live_remove((void *)0x5000, 7, &got));
}

static void later_threads_are_the_unknown_one(void **state)
{
    struct live_block got;
    struct live_block block = block_of(8, LIVE_SEQUENCE_MAX);
    (void)state;
    block.thread = LIVE_THREAD_MAX;
    live_insert((void *)0x5000, &block, &got);
    assert_true(live_remove((void *)0x5000, ANY, &got));
    assert_int_equal(got.thread, LIVE_THREAD_MAX);
    block.thread = LIVE_THREAD_MAX + 1;
    live_insert((void *)0x5000, &block, &got);
    assert_true(live_remove((void *)0x5000, ANY, &got));
    assert_int_equal(got.thread, 0);
    assert_int_equal(got.sequence, LIVE_SEQUENCE_MAX);
}

static void neighbours_of_16_bytes_equal_the_model(void **state)
{
    (void)state;
    model_run(0x55550000, 16, 20000, 1000000);
}

static void a_single_region_fills_and_empties(void **state)
{
    (void)state;
    model_run(0x7f0000000000, 16, 64, 500000);
}

static void blocks_of_48_bytes_equal_the_model(void **state)
{
    (void)state;
    model_run(0x7f1234500010, 48, 30000, 600000);
}

static void addresses_that_are_multiples_of_8_equal_the_model(void **state)
{
    (void)state;
    model_run(0x55550008, 8, 20000, 500000);
}

static void odd_addresses_equal_the_model(void **state)
{
    (void)state;
    model_run(0x55550001, 1, 5000, 500000);
}

static void pages_equal_the_model(void **state)
{
    (void)state;
    model_run(0x7ffff0000000, 4096, 30000, 500000);
}

static void mappings_far_apart_equal_the_model(void **state)
{
    (void)state;
    model_run(0x100000010, (1ull << 24) + 32, 20000, 400000);
}

static void addresses_up_to_the_last_equal_the_model(void **state)
{
    (void)state;
    model_run(UINTPTR_MAX - 4095, 1, 4096, 200000);
}

#define THREADS ((size_t)4)

static void *operate_on_a_model(void *context)
{
    struct model *model = context;
    return model_operate(model, 200000) ? model : NULL;
}

static void threads_with_ranges_of_their_own_equal_their_models(void **state)
{
    pthread_t threads[THREADS];
    struct model models[THREADS];
    uint64_t live = 0;
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        models[i] = model_make(0x7f0000000000 + i * 16, 16 * THREADS, 5000); /* same regions */
        pthread_create(&threads[i], NULL, operate_on_a_model, &models[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
        live += models[i].live;
    }
    assert_int_equal(live_count(), live);
    assert_true(live_check());
    for (size_t i = 0; i < THREADS; i++) {
        struct live_block got;
        for (size_t place = 0; place < models[i].places; place++)
            assert_int_equal(live_remove(model_address(&models[i], place), ANY, &got),
                             models[i].blocks[place].sequence != 0);
        free(models[i].blocks);
    }
    assert_int_equal(live_count(), 0);
}

#define SHARED_PLACES 600
#define SHARED_BASE 0x7f0000000000

/* Sums of the sequence numbers that one thread put in and got out. */
struct ledger {
    pthread_t thread;
    uint64_t random;
    uint64_t put;
    uint64_t got;
    int64_t blocks;
};

static void *operate_on_shared_addresses(void *context)
{
    struct ledger *ledger = context;
    for (int i = 0; i < 200000; i++) {
        uint64_t value = random_next(&ledger->random);
        const void *address = (const void *)(SHARED_BASE + (value >> 8) % SHARED_PLACES * 16);
        struct live_block old = {0, 0, 0, 0};
        struct live_block block = block_of(random_size(&ledger->random), (value >> 32) + 1);
        if (value & 1) {
            enum live_result result = live_insert(address, &block, &old);
            ledger->put += block.sequence;
            ledger->blocks += result == LIVE_INSERTED;
        } else if (live_remove(address, ANY, &old)) {
            ledger->blocks--;
        }
        ledger->got += old.sequence;
    }
    return NULL;
}

static void add_sequence(const void *address, const struct live_block *block, void *context)
{
    (void)address;
    *(uint64_t *)context += block->sequence;
}

static void threads_on_shared_addresses_lose_and_double_nothing(void **state)
{
    struct ledger ledgers[THREADS];
    uint64_t put = 0, got = 0;
    int64_t blocks = 0;
    struct live_block old;
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        ledgers[i] = (struct ledger){.random = i + 1};
        pthread_create(&ledgers[i].thread, NULL, operate_on_shared_addresses, &ledgers[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(ledgers[i].thread, NULL);
        put += ledgers[i].put;
        got += ledgers[i].got;
        blocks += ledgers[i].blocks;
    }
    live_each(add_sequence, &got); /* what is still there */
    assert_int_equal(put, got);
    assert_int_equal(blocks, live_count());
    assert_true(live_check());
    for (uintptr_t i = 0; i < SHARED_PLACES; i++)
        live_remove((const void *)(SHARED_BASE + i * 16), ANY, &old);
    assert_int_equal(live_count(), 0);
}

/* ---- short of memory; in children, whose table nobody filled before ---- */

static void fill_until_full(void)
{
    struct live_block old;
    uint64_t inserted = 0;
    fault_all_after(3);
    for (uintptr_t i = 1; i < 200000; i++) {
        struct live_block block = block_of(i, i);
        enum live_result result = live_insert((void *)(i * 48), &block, &old);
        REQUIRE(result == LIVE_INSERTED || result == LIVE_FULL);
        inserted += result == LIVE_INSERTED;
    }
    REQUIRE(live_count() == inserted && inserted > 100 && inserted < 199999);
    REQUIRE(live_check());
    fault_none();
    for (uintptr_t i = 1; i < 200000; i++) {
        bool found = live_remove((void *)(i * 48), ANY, &old);
        REQUIRE(!found || (old.size == i && old.sequence == i));
        inserted -= found;
    }
    REQUIRE(inserted == 0 && live_count() == 0 && live_check());
}

static void without_memory_blocks_are_refused_and_the_rest_stays_right(void **state)
{
    (void)state;
    assert_int_equal(child_run(fill_until_full), 0);
}

/* Every operation with every one of its mappings failing in turn. */
static void insert_with_one_failure(void)
{
    struct live_block old;
    for (long n = 0; n < 40; n++) {
        uintptr_t base = 0x100000000 * (uintptr_t)(n + 1);
        uint64_t before = live_count(), inserted = 0;
        fault_one_after(n);
        for (uintptr_t i = 0; i < 5000; i++) {
            struct live_block block = block_of(i, i + 1);
            inserted += live_insert((void *)(base + i * 32), &block, &old) == LIVE_INSERTED;
        }
        REQUIRE(live_count() == before + inserted && live_check());
    }
}

static void a_failure_at_any_mapping_leaves_the_table_whole(void **state)
{
    (void)state;
    assert_int_equal(child_run(insert_with_one_failure), 0);
}

static void insert_a_huge_block_without_memory(void)
{
    struct live_block got;
    struct live_block small = block_of(1, 1), huge = block_of(1ull << 40, 2);
    uintptr_t at = 0x10000;
    REQUIRE(live_insert((void *)at, &small, &got) == LIVE_INSERTED); /* its shard has its table */
    fault_all_after(0);
    uint64_t kept = 0;
    enum live_result result = LIVE_INSERTED;
    while (result == LIVE_INSERTED && kept < 100000) {
        huge.sequence++;
        at += 16;
        result = live_insert((void *)at, &huge, &got);
        kept += result == LIVE_INSERTED;
    }
    REQUIRE(result == LIVE_FULL && kept > 0);
    REQUIRE(live_count() == kept + 1 && live_check());
    for (; kept > 0; kept--) {
        at -= 16;
        REQUIRE(live_remove((void *)at, ANY, &got) && got.size == 1ull << 40);
    }
    REQUIRE(live_remove((void *)0x10000, ANY, &got) && got.size == 1 && live_count() == 0);
}

static void a_huge_block_whose_size_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    assert_int_equal(child_run(insert_a_huge_block_without_memory), 0);
}

/* ---- forks ---- */

static void wait_in_a_shard(const void *address, const struct live_block *block, void *context)
{
    int *pipe_ends = context;
    char byte = 0;
    (void)address;
    (void)block;
    if (pipe_ends[1] >= 0 && write(pipe_ends[1], &byte, 1) != 1)
        _exit(98);
    for (;;)
        pause();
}

static void *hold_a_shard(void *context)
{
    live_each(wait_in_a_shard, context);
    return NULL;
}

/* 512 blocks in the shard of address 0x100000, and one in another. */
static void fill_two_shards(void)
{
    struct live_block old;
    for (uintptr_t i = 0; i < 512; i++) {
        struct live_block block = block_of(i, i + 1);
        live_insert((void *)(0x100000 + i * 16), &block, &old);
    }
    struct live_block other = block_of(1, 1000);
    live_insert((void *)0x200000, &other, &old);
}

static void fork_while_a_shard_is_held(void)
{
    int pipe_ends[2];
    char byte;
    pthread_t thread;
    REQUIRE(pipe(pipe_ends) == 0);
    fill_two_shards();
    uint64_t before = live_count();
    pthread_create(&thread, NULL, hold_a_shard, pipe_ends);
    REQUIRE(read(pipe_ends[0], &byte, 1) == 1);
    pid_t pid = (pid_t)syscall(SYS_fork); /* unannounced, as by _Fork or clone */
    if (pid == 0) {
        live_fork_child(false);
        total_fork_child();
        uint64_t lost = live_given_up();
        REQUIRE(lost == 512 || lost == 1);
        REQUIRE(live_count() + lost == before && live_check());
        fill_two_shards();
        REQUIRE(live_count() == before && live_check());
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    _exit(0);
}

static void an_unannounced_fork_gives_up_only_the_shard_that_was_held(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_while_a_shard_is_held), 0);
}

/* As an event does that changes the table under LOCK_TOTAL alone. */
static void *hold_as_an_event_does(void *context)
{
    const int *pipe_ends = context;
    char byte = 0;
    lock_hold(&total_lock);
    live_changing = live_shard(live_key(0x200000));
    if (write(pipe_ends[1], &byte, 1) != 1)
        _exit(98);
    for (;;)
        pause();
}

static void fork_while_an_event_is_counted(void)
{
    int pipe_ends[2];
    char byte;
    pthread_t thread;
    REQUIRE(pipe(pipe_ends) == 0);
    fill_two_shards();
    REQUIRE(live_shard(live_key(0x100000)) != live_shard(live_key(0x200000)));
    pthread_create(&thread, NULL, hold_as_an_event_does, pipe_ends);
    REQUIRE(read(pipe_ends[0], &byte, 1) == 1);
    pid_t pid = (pid_t)syscall(SYS_fork);
    if (pid == 0) {
        live_fork_child(false);
        total_fork_child();
        REQUIRE(live_given_up() == 1 && live_count() == 512 && live_check());
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    _exit(0);
}

static void an_unannounced_fork_gives_up_the_shard_that_an_event_was_changing(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_while_an_event_is_counted), 0);
}

static void fork_with_all_locks(void)
{
    fill_two_shards();
    live_fork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        live_fork_child(true);
        total_fork_child();
        REQUIRE(live_count() == 513 && live_given_up() == 0);
        fill_two_shards(); /* replaces each: all are there, and no lock is left held */
        REQUIRE(live_count() == 513 && live_check());
        _exit(0);
    }
    live_fork_parent();
    fill_two_shards();
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

static void an_announced_fork_keeps_every_block(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_with_all_locks), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_blocks_are_refused_and_the_rest_stays_right),
        cmocka_unit_test(a_failure_at_any_mapping_leaves_the_table_whole),
        cmocka_unit_test(a_huge_block_whose_size_cannot_be_kept_is_refused),
        cmocka_unit_test(an_unannounced_fork_gives_up_only_the_shard_that_was_held),
        cmocka_unit_test(an_unannounced_fork_gives_up_the_shard_that_an_event_was_changing),
        cmocka_unit_test(an_announced_fork_keeps_every_block),
        cmocka_unit_test(freeing_an_unknown_pointer_changes_nothing),
        cmocka_unit_test(a_block_newer_than_the_bound_stays),
        cmocka_unit_test(later_threads_are_the_unknown_one),
        cmocka_unit_test(neighbours_of_16_bytes_equal_the_model),
        cmocka_unit_test(a_single_region_fills_and_empties),
        cmocka_unit_test(blocks_of_48_bytes_equal_the_model),
        cmocka_unit_test(addresses_that_are_multiples_of_8_equal_the_model),
        cmocka_unit_test(odd_addresses_equal_the_model),
        cmocka_unit_test(pages_equal_the_model),
        cmocka_unit_test(mappings_far_apart_equal_the_model),
        cmocka_unit_test(addresses_up_to_the_last_equal_the_model),
        cmocka_unit_test(threads_with_ranges_of_their_own_equal_their_models),
        cmocka_unit_test(threads_on_shared_addresses_lose_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
