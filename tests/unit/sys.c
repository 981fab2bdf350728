/* System calls without libc: their results, and that errno stays the host's. */
#include "base/sys.h"
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define HOST_ERRNO 99

static int begin(void **state)
{
    (void)state;
    errno = HOST_ERRNO;
    return child_folder() ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    int kept = errno;
    child_folder_remove();
    return kept == HOST_ERRNO ? 0 : -1;
}

static void pages_are_the_systems(void **state)
{
    (void)state;
    size_t page = sys_page_size();
    assert_int_equal(page, sysconf(_SC_PAGESIZE));
    assert_int_equal(sys_round_to_page(0), 0);
    assert_int_equal(sys_round_to_page(1), page);
    assert_int_equal(sys_round_to_page(page), page);
    assert_int_equal(sys_round_to_page(page + 1), 2 * page);
}

static void a_map_is_zero_and_a_refused_one_is_null(void **state)
{
    (void)state;
    char *memory = sys_map(10000);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % sys_page_size(), 0);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(memory[i], 0);
    memory[9999] = 1;
    sys_unmap(memory, 10000);
    assert_false(sys_readable(memory));
    assert_null(sys_map(SIZE_MAX / 2));
    assert_null(sys_map(0));
    assert_true(sys_failed(sys_mmap(NULL, 4096, PROT_READ, MAP_SHARED, 12345, 0)));
    assert_false(sys_failed(0));
    assert_false(sys_failed((intptr_t)0xffffffffff600000)); /* high, but an address */
}

static void readability_is_asked_and_not_tried(void **state)
{
    size_t page = sys_page_size();
    char local = 0;
    (void)state;
    char *memory = sys_map(3 * page);
    mprotect(memory + page, page, PROT_NONE);
    assert_true(sys_readable(memory) && sys_readable(memory + page - 1));
    assert_false(sys_readable(memory + page) || sys_readable(memory + 2 * page - 1));
    assert_true(sys_readable(memory + 2 * page) && sys_readable(&local));
    assert_false(sys_readable(NULL) || sys_readable((void *)0x8));
    assert_false(sys_readable((void *)UINTPTR_MAX));
    assert_false(sys_readable((void *)0x123456789abcdef0));
    sys_unmap(memory, 3 * page);
}

static void asking_changes_no_signal_mask(void **state)
{
    sigset_t before, after, set;
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    memset(&set, 0xff, sizeof set); /* read as a set, it would block everything */
    assert_true(sys_readable(&set));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, 8);
    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void ids_and_clocks_are_the_kernels(void **state)
{
    struct timespec now;
    (void)state;
    assert_int_equal(sys_getpid(), getpid());
    assert_int_equal(sys_gettid(), gettid());
    uint64_t before = sys_clock_ns(CLOCK_MONOTONIC);
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t between = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    assert_true(before <= between && between <= sys_clock_ns(CLOCK_MONOTONIC));
}

static void files_are_read_and_written_whole(void **state)
{
    static char bytes[200000], got[300000];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 + i / 999);
    int fd = sys_open(child_file("file"), O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(sys_open(child_file("file"), O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
    assert_int_equal(sys_write_at(fd, bytes, sizeof bytes, 0), 0);
    for (size_t i = 0; i < 4; i++)
        bytes[7 + i] = 'w';
    assert_int_equal(sys_write_at(fd, "wwww", 4, 7), 0);
    sys_close(fd);
    assert_int_equal(sys_write_at(fd, "word", 4, 0), -EBADF);
    assert_int_equal(sys_slurp(child_file("file"), got, sizeof got), sizeof bytes);
    assert_memory_equal(got, bytes, sizeof bytes);
    assert_int_equal(sys_slurp(child_file("file"), got, 100), 100);
    assert_int_equal(sys_slurp(child_file("none"), got, 100), -ENOENT);
    assert_int_equal(sys_slurp(child_folder(), got, 100), -EISDIR);
    assert_true(sys_slurp("/proc/self/stat", got, sizeof got) > 50);
}

static void a_links_target_ends_with_a_nul(void **state)
{
    char target[8];
    (void)state;
    assert_int_equal(symlink("abcdefghij", child_file("link")), 0);
    memset(target, 'x', sizeof target);
    assert_int_equal(sys_link_target(child_file("link"), target, sizeof target), 7);
    assert_string_equal(target, "abcdefg");
    assert_int_equal(sys_link_target(child_file("none"), target, sizeof target), -ENOENT);
    assert_int_equal(sys_link_target(child_folder(), target, sizeof target), -EINVAL);
}

static void limits_are_the_soft_ones(void **state)
{
    struct rlimit limit;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(sys_limit(RLIMIT_NOFILE), limit.rlim_cur);
    assert_int_equal(sys_limit(9999), UINT64_MAX);
}

static void equal_files_have_equal_identities(void **state)
{
    struct sys_identity first, second, other;
    (void)state;
    int fd = sys_open(child_file("one"), O_RDWR | O_CREAT, 0600);
    int same = sys_open(child_file("one"), O_RDONLY, 0);
    int two = sys_open(child_file("two"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(sys_identify(fd, &first), 0);
    assert_int_equal(sys_identify(same, &second), 0);
    assert_int_equal(sys_identify(two, &other), 0);
    assert_true(first.device == second.device && first.inode == second.inode);
    assert_true(first.inode != other.inode);
    assert_true(sys_is_file_or_terminal(fd));
    sys_close(fd);
    sys_close(same);
    sys_close(two);
    assert_int_equal(sys_identify(fd, &first), -EBADF);
    assert_false(sys_is_file_or_terminal(fd));
}

static void pipes_are_neither_files_nor_terminals(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_false(sys_is_file_or_terminal(ends[0]) || sys_is_file_or_terminal(ends[1]));
    sys_close(ends[0]);
    sys_close(ends[1]);
}

static void folders_are_told_from_files_also_through_links(void **state)
{
    bool folder = false;
    (void)state;
    assert_int_equal(sys_is_folder(child_folder(), &folder), 0);
    assert_true(folder);
    assert_int_equal(symlink(child_folder(), child_file("link")), 0);
    assert_int_equal(sys_is_folder(child_file("link"), &folder), 0);
    assert_true(folder);
    sys_close(sys_open(child_file("file"), O_RDWR | O_CREAT, 0600));
    assert_int_equal(sys_is_folder(child_file("file"), &folder), 0);
    assert_false(folder);
    assert_int_equal(sys_is_folder(child_file("none"), &folder), -ENOENT);
    assert_int_equal(sys_is_folder(child_file("file/x"), &folder), -ENOTDIR);
}

#define SYS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SYS_TEST(pages_are_the_systems),
        SYS_TEST(a_map_is_zero_and_a_refused_one_is_null),
        SYS_TEST(readability_is_asked_and_not_tried),
        SYS_TEST(asking_changes_no_signal_mask),
        SYS_TEST(ids_and_clocks_are_the_kernels),
        SYS_TEST(files_are_read_and_written_whole),
        SYS_TEST(a_links_target_ends_with_a_nul),
        SYS_TEST(limits_are_the_soft_ones),
        SYS_TEST(equal_files_have_equal_identities),
        SYS_TEST(pipes_are_neither_files_nor_terminals),
        SYS_TEST(folders_are_told_from_files_also_through_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
