/* Threads' shares of the counters: nothing is lost or doubled, and the peak stays within its bound. */
#include "track/share.h"
#include "child.h"
#include "memtrack/format.h"
#include "snapshot.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/host.h"
#include "track/total.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS 200000
#define SITES 200u /* more than a thread has slots, so that slots change hands */

static uint32_t sites[SITES];

static void start_books(void)
{
    REQUIRE(file_start());
    REQUIRE(site_start());
    for (uint32_t i = 0; i < SITES; i++) {
        sites[i] = site_at(site_node(0, 0, 0x1000 + i, 0), MTF_DOMAIN_HEAP);
        REQUIRE(sites[i] != 0);
    }
    share_start();
}

/* Takes and frees blocks of random sites; one in 64 stays. */
static void *count_at_full_speed(void *argument)
{
    struct self self = {.ready = SELF_READY};
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t site = sites[(unsigned)rand_r(&seed) % SITES];
        size_t size = (size_t)rand_r(&seed) % 600;
        share_alloc(&self, site, size);
        if (i % 16 == 0)
            share_realloc(&self, site, size, false, site, size);
        if (i % 64 != 0)
            share_free(&self, site, size, i % 2 == 0);
    }
    return NULL;
}

struct sums {
    uint64_t allocs, bytes, frees, freed, temporary, reallocs;
};

static struct sums sums_of_sites(void)
{
    struct sums sums = {0};
    for (uint32_t i = 0; i < file_count(MTF_KIND_SITES); i++) {
        const struct mtf_site *site = site_record(i);
        sums.allocs += site->allocs;
        sums.bytes += site->alloc_bytes;
        sums.frees += site->frees;
        sums.freed += site->freed_bytes;
        sums.temporary += site->temporary;
        sums.reallocs += site->reallocs;
    }
    return sums;
}

static void threads_lose_and_double_nothing_in_child(void)
{
    pthread_t threads[THREADS];
    start_books();
    for (uintptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, count_at_full_speed, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    total_seal();
    struct sums sums = sums_of_sites();
    const uint64_t extra = (ROUNDS + 15) / 16, kept = (ROUNDS + 63) / 64;
    REQUIRE(sums.allocs == THREADS * (ROUNDS + extra));
    REQUIRE(sums.frees == THREADS * (ROUNDS + extra - kept));
    REQUIRE(sums.reallocs == THREADS * extra);
    REQUIRE(sums.temporary == THREADS * (ROUNDS / 2 - kept));
    REQUIRE(sums.bytes - sums.freed == file_header->totals.current_bytes);
    REQUIRE(sums.allocs - sums.frees == file_header->totals.current_blocks);
    REQUIRE(file_header->totals.sealed_allocs == sums.allocs);
    REQUIRE(file_header->totals.sealed_freed_bytes == sums.freed);
}

static void threads_lose_and_double_nothing(void **state)
{
    (void)state;
    assert_int_equal(child_run(threads_lose_and_double_nothing_in_child), 0);
}

static void the_peak_stays_within_its_bound_in_child(void)
{
    struct self self = {.ready = SELF_READY};
    unsigned seed = 7;
    uint64_t live = 0, peak = 0;
    start_books();
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = (size_t)rand_r(&seed) % (i % 1000 == 0 ? 100000 : 3000);
        if (rand_r(&seed) % 2 || live < 200000) {
            share_alloc(&self, sites[0], size);
            live += size;
        } else {
            share_free(&self, sites[0], size, false);
            live -= size;
        }
        peak = live > peak ? live : peak;
        uint64_t known = file_header->totals.peak_bytes;
        REQUIRE(known <= peak + SHARE_DRIFT && peak <= known + SHARE_DRIFT);
    }
    REQUIRE(file_header->totals.peak_error == SHARE_DRIFT);
    total_seal();
    REQUIRE(file_header->totals.current_bytes == live);
}

static void the_peak_stays_within_its_bound(void **state)
{
    (void)state;
    assert_int_equal(child_run(the_peak_stays_within_its_bound_in_child), 0);
}

static void sequence_numbers_are_given_once_in_child(void)
{
    struct self one = {.ready = SELF_READY}, two = {.ready = SELF_READY};
    static unsigned char seen[4 * SHARE_SEQUENCES + 1];
    start_books();
    for (unsigned i = 0; i < SHARE_SEQUENCES + 10; i++) {
        uint64_t a = share_next_sequence(&one), b = share_next_sequence(&two);
        REQUIRE(a > 0 && a < sizeof seen && seen[a]++ == 0);
        REQUIRE(b > 0 && b < sizeof seen && seen[b]++ == 0);
        REQUIRE(a <= total_sequence() && b <= total_sequence());
    }
}

static void sequence_numbers_are_given_once(void **state)
{
    (void)state;
    assert_int_equal(child_run(sequence_numbers_are_given_once_in_child), 0);
}

/* ---- a kill at any instruction ---- */

#define STEP_SIZE 100ull /* of each block, so that calls and bytes tell of each other */
#define STEP_LEAST 500   /* instructions: fewer would not be what is to be looked at */

/* Events that fill shares, change the site of a slot, and settle all because the drift is reached. */
static void count_step_by_step(void)
{
    struct self self = {.ready = SELF_READY};
    start_books();
    host_identify();
    REQUIRE(file_create(child_file("stepped")) == 0);
    for (uint32_t i = 0; i < 3; i++)
        share_alloc(&self, sites[i], STEP_SIZE);
    self.drift = SHARE_DRIFT - 3 * STEP_SIZE;
    REQUIRE(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    raise(SIGSTOP);
    share_alloc(&self, sites[0], STEP_SIZE);
    share_free(&self, sites[1], STEP_SIZE, false);
    share_alloc(&self, sites[SHARE_SLOTS], STEP_SIZE); /* takes over the slot of site 0 */
    share_alloc(&self, sites[2], STEP_SIZE);
    share_alloc(&self, sites[2], STEP_SIZE);
    share_alloc(&self, sites[2], STEP_SIZE);
    total_alloc(sites[0], STEP_SIZE);
    total_free(sites[2], STEP_SIZE, false);
    raise(SIGUSR1);
}

/* What a reader makes of the file now: nothing may be less than it was, or half. */
static bool step_is_sound(struct figures *last)
{
    struct snapshot *snapshot;
    char message[SNAPSHOT_MESSAGE_SIZE];
    if (snapshot_load(child_file("stepped"), &snapshot, message, sizeof message) != 0) {
        print_message("%s\n", message);
        return false;
    }
    struct figures now = snapshot->totals;
    bool sound = now.allocs * STEP_SIZE == now.alloc_bytes &&
                 now.frees * STEP_SIZE == now.freed_bytes && now.allocs >= last->allocs &&
                 now.allocs <= last->allocs + 1 && now.frees >= last->frees &&
                 now.frees <= last->frees + 1;
    *last = now;
    snapshot_free(snapshot);
    return sound;
}

static void step_through(pid_t pid)
{
    struct figures last = {.allocs = 3, .alloc_bytes = 3 * STEP_SIZE};
    int status, steps = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status)) {
        print_message("processes may not be traced here\n");
        skip();
    }
    while (WIFSTOPPED(status) && WSTOPSIG(status) != SIGUSR1) {
        bool sound = step_is_sound(&last);
        if (!sound)
            print_message("after step %d: %d calls of %d bytes, %d frees of %d\n", steps,
                          (int)last.allocs, (int)last.alloc_bytes, (int)last.frees,
                          (int)last.freed_bytes);
        assert_true(sound);
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        steps++;
    }
    assert_true(WIFSTOPPED(status) && steps > STEP_LEAST);
    assert_int_equal(last.allocs, 3 + 6);
    assert_int_equal(last.frees, 2);
}

static void a_kill_between_any_two_instructions_loses_and_doubles_nothing(void **state)
{
    (void)state;
    assert_non_null(child_folder());
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        count_step_by_step();
        _exit(0);
    }
    step_through(pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    child_folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_lose_and_double_nothing),
        cmocka_unit_test(the_peak_stays_within_its_bound),
        cmocka_unit_test(sequence_numbers_are_given_once),
        cmocka_unit_test(a_kill_between_any_two_instructions_loses_and_doubles_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
