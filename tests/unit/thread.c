/* The states of threads: one each, reused when their threads are gone, none in a forked child. */
#include "track/thread.h"
#include "base/atomic.h"
#include "base/sys.h"
#include "child.h"
#include "fault.h"
#include "store/file.h"
#include "store/host.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

static void start(void)
{
    REQUIRE(file_start());
    host_identify();
}

static const struct mtf_thread *record_of(const struct self *self)
{
    return (const struct mtf_thread *)file_table(MTF_KIND_THREADS) + self->thread;
}

static void attach_the_first(void)
{
    start();
    REQUIRE(prctl(PR_SET_NAME, "a name") == 0);
    struct self *self = thread_attach();
    REQUIRE(self && self_mine == self && self_active == NULL);
    REQUIRE(self->ready == SELF_READY && self->tid == sys_gettid() && self->pending_count == 0);
    REQUIRE(self->thread == 1 && file_count(MTF_KIND_THREADS) == 2);
    REQUIRE(record_of(self)->tid == (uint32_t)sys_gettid());
    REQUIRE(strcmp(record_of(self)->name, "a name") == 0);
    const struct mtf_thread *unknown = file_table(MTF_KIND_THREADS);
    REQUIRE(unknown->tid == 0 && unknown->name[0] == '\0');
}

static void the_first_thread_gets_a_state_and_a_record(void **state)
{
    (void)state;
    assert_int_equal(child_run(attach_the_first), 0);
}

#define TOGETHER 8

static pthread_barrier_t all_attached;
static struct self *states[TOGETHER];

static void *attach_and_stay(void *context)
{
    states[(uintptr_t)context] = thread_attach();
    pthread_barrier_wait(&all_attached);
    return NULL;
}

static void attach_together(void)
{
    pthread_t threads[TOGETHER];
    start();
    pthread_barrier_init(&all_attached, NULL, TOGETHER);
    for (uintptr_t i = 0; i < TOGETHER; i++)
        REQUIRE(pthread_create(&threads[i], NULL, attach_and_stay, (void *)i) == 0);
    for (int i = 0; i < TOGETHER; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < TOGETHER; i++) {
        REQUIRE(states[i] != NULL);
        for (int j = 0; j < i; j++)
            REQUIRE(states[i] != states[j] && states[i]->thread != states[j]->thread);
    }
    REQUIRE(file_count(MTF_KIND_THREADS) == TOGETHER + 1);
}

static void living_threads_never_share_a_state(void **state)
{
    (void)state;
    assert_int_equal(child_run(attach_together), 0);
}

static void *attach_and_end(void *context)
{
    struct self **self = context;
    *self = thread_attach();
    if (*self) {
        (*self)->newest_sequence = 9;
        (*self)->pending_count = 3;
        (*self)->ready = SELF_PENDING;
    }
    return NULL;
}

/* How many of the states were not among those before them. */
static int count_different(struct self *const *attached, int count)
{
    int different = 0;
    for (int i = 0; i < count; i++) {
        int before = 0;
        while (attached[before] != attached[i])
            before++;
        different += before == i;
    }
    return different;
}

static void attach_one_after_the_other(void)
{
    static struct self *attached[500];
    start();
    struct self *mine = thread_attach();
    for (uint32_t i = 0; i < 500; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, attach_and_end, &attached[i]) == 0);
        pthread_join(thread, NULL);
        REQUIRE(attached[i] && attached[i] != mine && attached[i]->thread == i + 2);
    }
    /* Not one alone: a thread can be joined a moment before the kernel forgets it. */
    REQUIRE(count_different(attached, 500) < 12);
    REQUIRE(file_count(MTF_KIND_THREADS) == 502);
    REQUIRE(file_header->totals.lost[MTF_LOST_THREAD] == 0);
    REQUIRE(mine->tid == sys_gettid() && mine->thread == 1);
}

static void states_of_dead_threads_are_reused(void **state)
{
    (void)state;
    assert_int_equal(child_run(attach_one_after_the_other), 0);
}

static void *expect_a_fresh_state(void *unused)
{
    (void)unused;
    struct self *self = thread_attach();
    REQUIRE(self->ready == SELF_READY && self->pending_count == 0 && self->newest_sequence == 0);
    return NULL;
}

static void reuse_a_state(void)
{
    pthread_t thread;
    struct self *self;
    start();
    for (int i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&thread, NULL, i ? expect_a_fresh_state : attach_and_end, &self) ==
                0);
        pthread_join(thread, NULL);
    }
}

static void a_reused_state_remembers_nothing(void **state)
{
    (void)state;
    assert_int_equal(child_run(reuse_a_state), 0);
}

static void attach_without_memory(void)
{
    start();
    fault_all_after(0);
    for (uint64_t i = 1; i <= 3; i++) {
        REQUIRE(thread_attach() == NULL && self_mine == NULL);
        REQUIRE(file_header->totals.lost[MTF_LOST_THREAD] == i);
    }
    fault_none();
    REQUIRE(thread_attach() != NULL);
}

static void without_memory_each_try_is_counted_as_lost(void **state)
{
    (void)state;
    assert_int_equal(child_run(attach_without_memory), 0);
}

static void attach_when_the_table_is_full(void)
{
    start();
    file_publish(MTF_KIND_THREADS, 1);
    while (file_reserve(MTF_KIND_THREADS, 1) != FILE_FULL)
        file_publish(MTF_KIND_THREADS, file_count(MTF_KIND_THREADS) + 1);
    struct self *self = thread_attach();
    REQUIRE(self && self->thread == 0 && self->ready == SELF_READY);
}

static void without_a_record_a_thread_is_the_unknown_one(void **state)
{
    (void)state;
    assert_int_equal(child_run(attach_when_the_table_is_full), 0);
}

static void fork_with_a_state(void)
{
    start();
    struct self *self = thread_attach();
    thread_fork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        REQUIRE(load_relaxed(&self->ready) == SELF_FORKED); /* MADV_WIPEONFORK */
        thread_fork_child();
        host_identify();
        struct self *own = thread_attach();
        REQUIRE(own && own->tid == sys_gettid() && own->ready == SELF_READY);
        REQUIRE(own->thread == 2 && own->record == record_of(own));
        own->record->frees = 1;
        thread_restart();
        REQUIRE(record_of(own)->frees == 0 && record_of(own)->tid == (uint32_t)own->tid);
        _exit(0);
    }
    thread_fork_parent();
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    REQUIRE(self->ready == SELF_READY && self->thread == 1);
}

static void a_forked_child_sees_that_it_is_one_and_gets_a_state_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_with_a_state), 0);
}

static void attach_in_another_process(void)
{
    start();
    REQUIRE(thread_attach() != NULL);
    pid_t pid = fork();
    if (pid == 0) { /* as a vfork child: the header is still its parent's */
        REQUIRE(thread_attach() == NULL);
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

static void a_process_that_is_not_the_headers_gets_no_state(void **state)
{
    (void)state;
    assert_int_equal(child_run(attach_in_another_process), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_thread_gets_a_state_and_a_record),
        cmocka_unit_test(living_threads_never_share_a_state),
        cmocka_unit_test(states_of_dead_threads_are_reused),
        cmocka_unit_test(a_reused_state_remembers_nothing),
        cmocka_unit_test(without_memory_each_try_is_counted_as_lost),
        cmocka_unit_test(without_a_record_a_thread_is_the_unknown_one),
        cmocka_unit_test(a_forked_child_sees_that_it_is_one_and_gets_a_state_of_its_own),
        cmocka_unit_test(a_process_that_is_not_the_headers_gets_no_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
