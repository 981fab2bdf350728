/* The report file's descriptor and length, whatever the host does to them. */
#include "store/disk.h"
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#define PIECE ((int64_t)65536)

static int begin(void **state)
{
    (void)state;
    return child_folder() ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    disk_drop(true);
    child_folder_remove();
    return 0;
}

/* The shim's own descriptor of the file; -1 if it has none. */
static int descriptor_of(const char *path)
{
    struct stat file, other;
    if (stat(path, &file) != 0)
        return -1;
    for (int fd = 0; fd < 1100; fd++) {
        if (fstat(fd, &other) == 0 && other.st_ino == file.st_ino && other.st_dev == file.st_dev)
            return fd;
    }
    return -1;
}

static int64_t size_of(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? file.st_size : -1;
}

static void a_file_is_created_and_extended_without_holes(void **state)
{
    struct stat file;
    const char *path = child_file("report");
    (void)state;
    assert_int_equal(disk_create(path), 0);
    assert_string_equal(disk_path(), path);
    assert_int_equal(disk_extend(PIECE), 0);
    assert_int_equal(disk_extend(2 * PIECE), PIECE);
    assert_int_equal(disk_length(), 3 * PIECE);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, 3 * PIECE);
    assert_true(file.st_blocks * 512 >= 3 * PIECE);
}

static void an_existing_file_is_left_alone(void **state)
{
    (void)state;
    const char *path = child_file("report");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
    assert_int_equal(disk_create(path), -EEXIST);
    assert_int_equal(size_of(path), 4);
    assert_int_equal(symlink("elsewhere", child_file("link")), 0);
    assert_int_equal(disk_create(child_file("link")), -EEXIST);
    assert_int_equal(size_of(child_file("elsewhere")), -1);
    assert_int_equal(disk_create(child_file("no/such/folder")), -ENOENT);
    assert_string_equal(disk_path(), "");
}

static void the_host_gets_the_descriptors_that_it_would_get_without_us(void **state)
{
    (void)state;
    int before = dup(0);
    close(before);
    assert_int_equal(disk_create(child_file("report")), 0);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
    int ours = descriptor_of(disk_path());
    assert_true(ours > 500);
    assert_int_equal(fcntl(ours, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void with_few_descriptors_allowed_it_takes_the_last(void)
{
    struct rlimit few = {20, 20};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    REQUIRE(disk_create(child_file("report")) == 0 && disk_extend(PIECE) == 0);
    REQUIRE(descriptor_of(disk_path()) == 19);
}

static void with_no_descriptor_to_spare_the_path_serves(void)
{
    struct rlimit few = {20, 20};
    int fd;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd < 18)
        continue;
    REQUIRE(dup2(0, 19) == 19 && close(18) == 0);
    REQUIRE(disk_create(child_file("other")) == 0 && disk_extend(PIECE) == 0);
    REQUIRE(disk_write("word", 4, 8) == 0);
    REQUIRE(descriptor_of(disk_path()) == -1 && size_of(disk_path()) == PIECE);
    close(3);
    REQUIRE(dup(0) == 3);
    REQUIRE(dup(0) == 18); /* ours is not there any more */
    REQUIRE(disk_extend(PIECE) == -EMFILE && disk_length() == PIECE);
    close(18);
}

static void few_descriptors_are_enough(void **state)
{
    (void)state;
    assert_int_equal(child_run(with_few_descriptors_allowed_it_takes_the_last), 0);
    assert_int_equal(child_run(with_no_descriptor_to_spare_the_path_serves), 0);
}

static void a_closed_descriptor_costs_nothing(void **state)
{
    (void)state;
    assert_int_equal(disk_create(child_file("report")), 0);
    assert_int_equal(disk_extend(PIECE), 0);
    close(descriptor_of(disk_path()));
    assert_int_equal(disk_extend(PIECE), PIECE);
    assert_int_equal(disk_write("word", 4, PIECE), 0);
    assert_int_equal(size_of(disk_path()), 2 * PIECE);
    char *bytes = mmap(NULL, PIECE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(disk_map(bytes, PIECE, PIECE));
    assert_memory_equal(bytes, "word", 4);
    bytes[0] = 'W'; /* shared and writable */
    munmap(bytes, PIECE);
}

static void another_file_at_our_number_is_not_touched(void **state)
{
    (void)state;
    char other[4096];
    strcpy(other, child_file("other"));
    assert_int_equal(disk_create(child_file("report")), 0);
    int ours = descriptor_of(disk_path());
    int fd = open(other, O_RDWR | O_CREAT, 0600);
    assert_int_equal(dup2(fd, ours), ours);
    assert_int_equal(disk_extend(PIECE), 0);
    assert_int_equal(disk_write("word", 4, 0), 0);
    assert_int_equal(size_of(disk_path()), PIECE);
    disk_drop(true);
    assert_int_equal(size_of(other), 0);
    assert_int_equal(fcntl(ours, F_GETFD) & FD_CLOEXEC, 0); /* still the host's, still open */
    close(ours);
    close(fd);
}

static void a_removed_or_replaced_file_is_an_error_once_its_descriptor_is_gone(void **state)
{
    (void)state;
    assert_int_equal(disk_create(child_file("report")), 0);
    close(descriptor_of(disk_path()));
    assert_int_equal(rename(disk_path(), child_file("moved")), 0);
    assert_int_equal(disk_extend(PIECE), -ENOENT);
    int fd = open(disk_path(), O_RDWR | O_CREAT, 0600); /* the host's, of the same name */
    assert_int_equal(disk_extend(PIECE), -ESTALE);
    assert_int_equal(disk_write("word", 4, 0), -ESTALE);
    assert_int_equal(disk_length(), 0);
    assert_int_equal(size_of(disk_path()), 0);
    close(fd);
}

static void extend_over_the_limit(void)
{
    struct rlimit limit = {2 * PIECE, RLIM_INFINITY};
    REQUIRE(disk_create(child_file("report")) == 0);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    REQUIRE(disk_extend(PIECE) == 0);
    REQUIRE(disk_extend(2 * PIECE) == -EFBIG); /* and no SIGXFSZ */
    REQUIRE(disk_extend(PIECE) == PIECE);
    REQUIRE(disk_extend(1) == -EFBIG && disk_length() == 2 * PIECE);
}

static void the_limit_on_file_sizes_is_an_error_and_no_signal(void **state)
{
    (void)state;
    assert_int_equal(child_run(extend_over_the_limit), 0);
}

static void a_dropped_file_stays_or_goes_as_asked(void **state)
{
    (void)state;
    assert_int_equal(disk_create(child_file("report")), 0);
    disk_drop(false);
    assert_int_equal(descriptor_of(child_file("report")), -1);
    assert_int_equal(size_of(child_file("report")), 0);
    assert_int_equal(disk_create(child_file("second")), 0);
    disk_drop(true);
    assert_int_equal(size_of(child_file("second")), -1);
    assert_int_equal(disk_length(), 0);
}

static void a_hidden_file_appears_whole_by_its_name_or_not_at_all(void **state)
{
    const char *path = child_file("report");
    char bytes[4];
    (void)state;
    int error = disk_create_hidden(path);
    if (error == -EOPNOTSUPP || error == -EISDIR) {
        print_message("this file system has no files without a name\n");
        skip();
    }
    assert_int_equal(error, 0);
    assert_int_equal(disk_extend(PIECE), 0);
    assert_int_equal(disk_write("mine", 4, 0), 0);
    assert_int_equal(size_of(path), -1);
    assert_int_equal(disk_publish(), 0);
    assert_int_equal(size_of(path), PIECE);
    int own = descriptor_of(path);
    assert_true(own > 900);
    assert_int_equal(pread(own, bytes, 4, 0), 4);
    assert_memory_equal(bytes, "mine", 4);
    assert_int_equal(disk_extend(PIECE), PIECE);
    disk_drop(true);
    assert_int_equal(size_of(path), -1);

    assert_int_equal(disk_create_hidden(path), 0);
    disk_drop(true);
    assert_int_equal(size_of(path), -1);
}

static void a_hidden_file_leaves_alone_what_has_its_name(void **state)
{
    const char *path = child_file("report");
    (void)state;
    if (disk_create_hidden(path) != 0)
        skip();
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(disk_publish(), -EEXIST);
    disk_drop(true);
    assert_int_equal(disk_create_hidden(path), -EEXIST);
    struct stat found;
    assert_int_equal(lstat(path, &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    assert_int_equal(size_of(child_file("elsewhere")), -1);
    assert_int_equal(disk_create_hidden(child_file("no/such/folder")), -ENOENT);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_file_is_created_and_extended_without_holes),
        DISK_TEST(an_existing_file_is_left_alone),
        DISK_TEST(the_host_gets_the_descriptors_that_it_would_get_without_us),
        DISK_TEST(few_descriptors_are_enough),
        DISK_TEST(a_closed_descriptor_costs_nothing),
        DISK_TEST(another_file_at_our_number_is_not_touched),
        DISK_TEST(a_removed_or_replaced_file_is_an_error_once_its_descriptor_is_gone),
        DISK_TEST(the_limit_on_file_sizes_is_an_error_and_no_signal),
        DISK_TEST(a_dropped_file_stays_or_goes_as_asked),
        DISK_TEST(a_hidden_file_appears_whole_by_its_name_or_not_at_all),
        DISK_TEST(a_hidden_file_leaves_alone_what_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
