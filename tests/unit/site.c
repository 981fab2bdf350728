/* Interning of stacks: equal stacks have equal ids, also from threads, without memory, after forks.
 */
#include "stack/site.h"
#include "child.h"
#include "fault.h"
#include "store/file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#define MANY 200000u

static int start(void **state)
{
    (void)state;
    return file_start() && site_start() ? 0 : -1;
}

static uint64_t lost_sites(void)
{
    return file_header->totals.lost[MTF_LOST_SITE];
}

static void equal_frames_are_one_node(void **state)
{
    (void)state;
    uint32_t node = site_node(0, 1, 0x1234, 0);
    assert_int_not_equal(node, 0);
    assert_int_equal(site_node(0, 1, 0x1234, 0), node);
    const struct mtf_frame *record = site_frame_record(node);
    assert_int_equal(site_node_record(node)->parent, 0);
    assert_int_equal(record->module, 1);
    assert_int_equal(record->offset, 0x1234);
    assert_int_equal(record->flags, 0);
}

static void frames_that_differ_in_one_thing_are_different_nodes(void **state)
{
    (void)state;
    uint32_t node = site_node(0, 1, 0x5000, 0);
    const uint32_t others[] = {site_node(node, 1, 0x5000, 0), site_node(0, 2, 0x5000, 0),
                               site_node(0, 1, 0x5001, 0), site_node(0, 1, 0x5000, MTF_NODE_EXACT),
                               site_node(0, 1, 0x5000 | 1ull << 40, 0)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_not_equal(others[i], node);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(others[i], others[j]);
    }
}

static void a_node_has_one_site_in_each_domain_and_the_root_has_none(void **state)
{
    (void)state;
    uint32_t node = site_node(0, 1, 0x6000, 0);
    uint32_t site = site_at(node, MTF_DOMAIN_HEAP);
    assert_int_not_equal(site, 0);
    assert_int_equal(site_at(node, MTF_DOMAIN_HEAP), site);
    assert_int_equal(site_record(site)->node, node);
    uint32_t other = site_at(node, MTF_DOMAIN_MAPPINGS);
    assert_int_not_equal(other, site);
    assert_int_not_equal(site_at(node, MTF_DOMAIN_POOLS), other);
    assert_int_equal(site_at(node, MTF_DOMAIN_MAPPINGS), other);
    assert_int_equal(site_record(other)->node, node);
    assert_int_equal(site_record(other)->domain, MTF_DOMAIN_MAPPINGS);
    assert_int_equal(site_at(0, MTF_DOMAIN_HEAP), 0);
    assert_int_equal(lost_sites(), 0);
}

/* A node of a wide and deep tree that is the same for every thread and every run. */
static uint32_t node_number(const uint32_t *made, uint32_t i)
{
    return site_node(i < 3 ? 0 : made[i / 3], i % 7, i * 16ull, 0);
}

static void the_index_grows_and_forgets_nothing(void **state)
{
    uint32_t *made = calloc(MANY, sizeof *made);
    (void)state;
    uint64_t before = file_count(MTF_KIND_NODES);
    for (uint32_t i = 0; i < MANY; i++)
        made[i] = node_number(made, i);
    assert_int_equal(file_count(MTF_KIND_NODES), before + MANY);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(node_number(made, i), made[i]);
    assert_int_equal(file_count(MTF_KIND_NODES), before + MANY);
    assert_int_equal(lost_sites(), 0);
    free(made);
}

#define THREADS 4
#define STACKS 15000u

static pthread_barrier_t begin;

/* All at the same time, each in another order. */
static void *intern_stacks(void *context)
{
    uint32_t *sites = context;
    pthread_barrier_wait(&begin);
    uint32_t step = sites[0];
    for (uint32_t i = 0; i < STACKS; i++) {
        uint32_t stack = (uint32_t)((uint64_t)i * step % STACKS);
        uint32_t node = 0;
        for (uint32_t depth = 0; depth < 6; depth++)
            node = site_node(node, 9, stack >> (10 - 2 * depth), 0);
        sites[stack] = site_at(node, MTF_DOMAIN_HEAP);
    }
    return NULL;
}

static void threads_that_intern_the_same_stacks_get_the_same_ids(void **state)
{
    static uint32_t sites[THREADS][STACKS];
    static const uint32_t steps[THREADS] = {1, 7, 7919, 14999}; /* none divides STACKS */
    pthread_t threads[THREADS];
    (void)state;
    pthread_barrier_init(&begin, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        sites[i][0] = steps[i];
        pthread_create(&threads[i], NULL, intern_stacks, sites[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t stack = 0; stack < STACKS; stack++) {
        assert_int_not_equal(sites[0][stack], 0);
        for (int i = 1; i < THREADS; i++)
            assert_int_equal(sites[i][stack], sites[0][stack]);
    }
    for (uint64_t node = 1; node < file_count(MTF_KIND_NODES); node++) {
        const struct mtf_frame *record = site_frame_record((uint32_t)node);
        uint32_t parent = site_node_record((uint32_t)node)->parent;
        assert_int_equal(site_node(parent, record->module, record->offset, record->flags), node);
    }
}

/* ---- short of memory ---- */

static void intern_without_memory(void)
{
    uint32_t *made = calloc(MANY, sizeof *made);
    uint64_t refused = 0;
    REQUIRE(start(NULL) == 0);
    fault_all_after(3);
    for (uint32_t i = 0; i < MANY; i++) {
        made[i] = site_node(0, 1, i, 0);
        refused += made[i] == 0;
    }
    REQUIRE(refused > 0 && refused < MANY && lost_sites() == refused);
    for (uint32_t i = 0; i < MANY; i++)
        REQUIRE(made[i] == 0 || site_node(0, 1, i, 0) == made[i]);
    fault_none();
    for (uint32_t i = 0; i < MANY; i++)
        REQUIRE(site_node(0, 1, i, 0) != 0);
    REQUIRE(lost_sites() == refused);
}

static void without_memory_new_frames_are_refused_and_counted(void **state)
{
    (void)state;
    assert_int_equal(child_run(intern_without_memory), 0);
}

static void make_sites_without_memory(void)
{
    uint64_t refused = 0;
    REQUIRE(start(NULL) == 0);
    for (uint32_t i = 0; i < 20000; i++)
        REQUIRE(site_node(0, 1, i, 0) != 0);
    fault_all_after(0);
    for (uint32_t node = 1; node <= 20000; node++)
        refused += site_at(node, MTF_DOMAIN_HEAP) == 0;
    REQUIRE(refused > 0 && refused < 20000 && lost_sites() == refused);
    REQUIRE(site_record(site_at(1, MTF_DOMAIN_HEAP))->node == 1);
}

static void without_memory_new_sites_are_refused_and_counted(void **state)
{
    (void)state;
    assert_int_equal(child_run(make_sites_without_memory), 0);
}

static void start_with_one_failure(void)
{
    bool up = false;
    for (long n = 0; !up; n++) {
        REQUIRE(n < 50);
        fault_one_after(n);
        up = file_start() && site_start();
        if (up)
            REQUIRE(site_at(site_node(0, 1, 1, 0), MTF_DOMAIN_HEAP) != 0);
    }
}

static void a_start_without_memory_says_so(void **state)
{
    (void)state;
    assert_int_equal(child_run(start_with_one_failure), 0);
}

/* RLIMIT_AS cannot be used where a sanitizer has reserved most of the address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ADDRESS_SPACE_IS_TAKEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ADDRESS_SPACE_IS_TAKEN 1
#endif
#endif
#ifndef ADDRESS_SPACE_IS_TAKEN
#define ADDRESS_SPACE_IS_TAKEN 0
#endif

static void intern_in_a_small_address_space(void)
{
    struct rlimit limit = {64u << 20, 64u << 20};
    uint64_t refused = 0;
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    REQUIRE(start(NULL) == 0);
    for (uint32_t i = 0; i < 3000000; i++)
        refused += site_node(0, 1, i, 0) == 0;
    REQUIRE(refused > 0 && lost_sites() == refused);
    REQUIRE(file_count(MTF_KIND_NODES) == 3000001 - refused);
    void *rest = mmap(NULL, 16u << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(rest != MAP_FAILED); /* the host's */
}

static void under_a_small_address_space_the_tables_are_small_too(void **state)
{
    (void)state;
    if (ADDRESS_SPACE_IS_TAKEN) {
        print_message("skipped: a sanitizer needs the whole address space\n");
        skip();
    }
    assert_int_equal(child_run(intern_in_a_small_address_space), 0);
}

/* ---- forks ---- */

static void restart_while_the_parent_goes_on(void)
{
    int ready[2];
    char byte = 0;
    REQUIRE(start(NULL) == 0 && pipe(ready) == 0);
    REQUIRE(file_create(child_file("report")) == 0);
    uint32_t first = site_node(0, 1, 1, 0), second = site_node(0, 1, 2, 0);
    uint32_t old = site_at(first, MTF_DOMAIN_HEAP);
    pid_t pid = fork();
    if (pid == 0) {
        site_fork_child();
        REQUIRE(read(ready[0], &byte, 1) == 1);
        REQUIRE(file_detach());
        REQUIRE(site_at(first, MTF_DOMAIN_HEAP) == old);
        uint32_t third = site_at(site_node(0, 1, 3, 0), MTF_DOMAIN_HEAP);
        REQUIRE(third != 0 && site_at(second, MTF_DOMAIN_HEAP) != third);
        REQUIRE(site_record(site_at(second, MTF_DOMAIN_HEAP))->node == second);
        REQUIRE(site_at(second, MTF_DOMAIN_HEAP) < file_count(MTF_KIND_SITES));
        _exit(0);
    }
    for (uint64_t i = 0; i < 3000; i++) /* the parent's table of sites outgrows the child's */
        REQUIRE(site_at(site_node(0, 2, i, 0), MTF_DOMAIN_HEAP) != 0);
    REQUIRE(site_at(second, MTF_DOMAIN_HEAP) != 0);
    REQUIRE(write(ready[1], &byte, 1) == 1);
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    child_folder_remove();
}

static void a_child_has_no_site_that_the_parent_made_after_the_fork(void **state)
{
    (void)state;
    assert_int_equal(child_run(restart_while_the_parent_goes_on), 0);
}

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(without_memory_new_frames_are_refused_and_counted),
        cmocka_unit_test(without_memory_new_sites_are_refused_and_counted),
        cmocka_unit_test(a_start_without_memory_says_so),
        cmocka_unit_test(under_a_small_address_space_the_tables_are_small_too),
        cmocka_unit_test(a_child_has_no_site_that_the_parent_made_after_the_fork),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_frames_are_one_node),
        cmocka_unit_test(frames_that_differ_in_one_thing_are_different_nodes),
        cmocka_unit_test(a_node_has_one_site_in_each_domain_and_the_root_has_none),
        cmocka_unit_test(the_index_grows_and_forgets_nothing),
        cmocka_unit_test(threads_that_intern_the_same_stacks_get_the_same_ids),
    };
    int failed = cmocka_run_group_tests(alone, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, start, NULL);
}
