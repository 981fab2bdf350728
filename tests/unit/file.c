/* The tables in their file: what is on disk is what is in memory, and no failure harms the host. */
#include "store/file.h"
#include "child.h"
#include "fault.h"
#include "memtrack/publish.h"
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define CANNOT_TRY 77 /* a child's status: this machine does not let it */

/* Adds n records, each with bytes that tell its table and index; how many could be added. */
static uint64_t add_records(enum mtf_kind kind, uint64_t n)
{
    uint64_t size = file_header->tables[kind].record_size;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t index = file_reserve(kind, 1);
        if (index == FILE_FULL)
            return i;
        REQUIRE(index == file_count(kind));
        char *record = (char *)file_table(kind) + index * size;
        for (uint64_t at = 0; at < size; at++) {
            REQUIRE(record[at] == 0);
            record[at] = (char)((uint64_t)kind * 31 + index * 7 + at);
        }
        file_publish(kind, index + 1);
    }
    return n;
}

static bool records_are_right(enum mtf_kind kind)
{
    uint64_t size = file_header->tables[kind].record_size;
    const char *bytes = file_table(kind);
    for (uint64_t at = 0; at < file_count(kind) * size; at++) {
        if (bytes[at] != (char)((uint64_t)kind * 31 + at / size * 7 + at % size))
            return false;
    }
    return true;
}

static int64_t size_of(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? file.st_size : -1;
}

static char *read_all(const char *path, int64_t *size)
{
    int fd = open(path, O_RDONLY);
    *size = size_of(path);
    char *bytes = calloc(1, (size_t)*size + MTF_HEADER_SIZE);
    REQUIRE(fd >= 0 && bytes && read(fd, bytes, (size_t)*size) == *size);
    close(fd);
    return bytes;
}

/* A table's bytes as a reader puts them together: format.h. */
static char *gather_table(const char *bytes, int64_t size, enum mtf_kind kind)
{
    const struct mtf_header *header = (const struct mtf_header *)bytes;
    char *table = calloc(1, (size_t)size + 1);
    uint64_t length = 0;
    for (uint32_t i = 0; i < mtf_take_extents(header); i++) {
        const struct mtf_extent *extent = &header->extents[i];
        REQUIRE(extent->offset % 4096 == 0 && extent->length % 4096 == 0 && extent->length > 0);
        REQUIRE(extent->offset + extent->length <= header->file_size);
        if (extent->kind != (uint32_t)kind)
            continue;
        memcpy(table + length, bytes + extent->offset, extent->length);
        length += extent->length;
    }
    REQUIRE(mtf_take_count(&header->tables[kind]) * header->tables[kind].record_size <= length);
    return table;
}

static void require_file_equals_memory(const char *path)
{
    int64_t size;
    char *bytes = read_all(path, &size);
    const struct mtf_header *header = (const struct mtf_header *)bytes;
    REQUIRE((uint64_t)size >= header->file_size);
    REQUIRE(memcmp(header, file_header, MTF_HEADER_SIZE) == 0);
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        char *table = gather_table(bytes, size, kind);
        uint64_t used = file_count(kind) * header->tables[kind].record_size;
        REQUIRE(header->tables[kind].count == file_count(kind));
        REQUIRE(used == 0 || memcmp(table, file_table(kind), used) == 0);
        REQUIRE(records_are_right(kind));
        free(table);
    }
    free(bytes);
}

static uint32_t extents_of(enum mtf_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < file_header->extent_count; i++)
        count += file_header->extents[i].kind == (uint32_t)kind;
    return count;
}

static void start_with_some(void)
{
    REQUIRE(file_start());
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        REQUIRE(add_records(kind, 100) == 100);
}

/* ---- in private memory ---- */

static void start_empty(void)
{
    file_lost(MTF_LOST_LIVE); /* before there is a header */
    REQUIRE(file_start());
    REQUIRE(!file_exists() && file_path()[0] == '\0');
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        REQUIRE(file_count(kind) == 0 && file_header->tables[kind].record_size > 0);
    uint64_t first = file_reserve(MTF_KIND_SITES, 3);
    REQUIRE(first == 0 && file_reserve(MTF_KIND_SITES, 5) == 0); /* until it is published */
    file_publish(MTF_KIND_SITES, 3);
    REQUIRE(file_reserve(MTF_KIND_SITES, 1) == 3);
    REQUIRE(file_reserve(MTF_KIND_SITES, UINT32_MAX) == FILE_FULL);
    REQUIRE(file_count(MTF_KIND_SITES) == 3);
    file_lost(MTF_LOST_LIVE);
    REQUIRE(file_header->totals.lost[MTF_LOST_LIVE] == 1);
}

static void tables_work_before_there_is_a_file(void **state)
{
    (void)state;
    assert_int_equal(child_run(start_empty), 0);
}

static void fill_to_the_bound(void)
{
    REQUIRE(file_start());
    uint64_t added = 0, batch = 1000;
    while (file_reserve(MTF_KIND_THREADS, batch) != FILE_FULL) {
        added += batch;
        file_publish(MTF_KIND_THREADS, added);
    }
    REQUIRE(added > 200000 && added < 300000);
    REQUIRE(add_records(MTF_KIND_MODULES, 5) == 5); /* the neighbour has its own room */
    REQUIRE(records_are_right(MTF_KIND_MODULES));
}

static void a_table_at_its_bound_is_full_and_harms_no_other(void **state)
{
    (void)state;
    assert_int_equal(child_run(fill_to_the_bound), 0);
}

/* ---- on disk ---- */

static void create_and_grow(void)
{
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    REQUIRE(file_exists() && strcmp(file_path(), child_file("report")) == 0);
    require_file_equals_memory(file_path());
    for (int round = 0; round < 40; round++) {
        for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
            REQUIRE(add_records(kind, 997) == 997);
    }
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void what_is_on_disk_is_what_is_in_memory(void **state)
{
    (void)state;
    assert_int_equal(child_run(create_and_grow), 0);
}

static void grow_one_table(void)
{
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    REQUIRE(add_records(MTF_KIND_NODES, 60000) == 60000);
    REQUIRE(extents_of(MTF_KIND_NODES) == 2); /* the first, and all growth behind it */
    REQUIRE(extents_of(MTF_KIND_SITES) == 1);
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void growth_of_one_table_joins_its_extents(void **state)
{
    (void)state;
    assert_int_equal(child_run(grow_one_table), 0);
}

static void use_up_the_extents(void)
{
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    file_header->extent_count = MTF_EXTENT_MAX;
    REQUIRE(file_reserve(MTF_KIND_SITES, 100000) == FILE_FULL);
    child_folder_remove();
}

static void a_full_extent_directory_is_a_full_table(void **state)
{
    (void)state;
    assert_int_equal(child_run(use_up_the_extents), 0);
}

static void create_where_it_cannot(void)
{
    struct rlimit limit = {65536, RLIM_INFINITY};
    start_with_some();
    int fd = open(child_file("there"), O_WRONLY | O_CREAT, 0600);
    REQUIRE(write(fd, "mine", 4) == 4);
    REQUIRE(file_create(child_file("there")) == -EEXIST && size_of(child_file("there")) == 4);
    REQUIRE(file_create(child_file("no/folder")) == -ENOENT);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    REQUIRE(file_create(child_file("limited")) == -EFBIG && size_of(child_file("limited")) == -1);
    limit.rlim_cur = RLIM_INFINITY;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    REQUIRE(!file_exists() && file_header->extent_count == 0);
    REQUIRE(add_records(MTF_KIND_NODES, 10000) == 10000);
    REQUIRE(file_create(child_file("report")) == 0); /* nothing was spoilt */
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void where_no_file_can_be_had_the_tables_stay_private(void **state)
{
    (void)state;
    assert_int_equal(child_run(create_where_it_cannot), 0);
}

/* Grows until it fails, under a limit that any growth by half would exceed; bytes on disk then. */
static void grow_to_the_limit(void)
{
    struct rlimit limit = {4u << 20, RLIM_INFINITY};
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    REQUIRE(add_records(MTF_KIND_NODES, 1000000) < 1000000);
    REQUIRE(add_records(MTF_KIND_SITES, 100000) < 100000);
    require_file_equals_memory(file_path());
    REQUIRE(size_of(file_path()) > (4 << 20) - (1 << 17));
    child_folder_remove();
}

static void a_limited_file_is_used_up_and_then_growth_fails(void **state)
{
    (void)state;
    assert_int_equal(child_run(grow_to_the_limit), 0);
}

static void mount_small_disk(const char *folder)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "size=2m") != 0)
        _exit(CANNOT_TRY);
}

static void grow_on_a_full_disk(void)
{
    static char page[4096] = {1};
    mount_small_disk(child_folder());
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    int fd = open(child_file("other"), O_WRONLY | O_CREAT, 0600);
    while (write(fd, page, sizeof page) == sizeof page)
        continue; /* the host fills the disk */
    REQUIRE(add_records(MTF_KIND_NODES, 1000000) < 1000000);
    require_file_equals_memory(file_path());
    REQUIRE(file_create(child_file("second")) == -ENOSPC && size_of(child_file("second")) == -1);
    _exit(0);
}

static void a_full_disk_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int status = child_run(grow_on_a_full_disk);
    if (status == CANNOT_TRY) {
        print_message("skipped: mounting a small disk needs root\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/* ---- failures of mmap ---- */

static void start_with_one_failure(void)
{
    for (long n = 0;; n++) {
        REQUIRE(n < 1000);
        fault_one_after(n);
        bool up = file_start();
        bool failed = fault_asked() > n;
        if (up && !failed)
            break;
    }
    fault_none();
    REQUIRE(add_records(MTF_KIND_NODES, 100) == 100);
}

static void a_start_that_fails_anywhere_can_be_told(void **state)
{
    (void)state;
    assert_int_equal(child_run(start_with_one_failure), 0);
}

static void require_private(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        memset(file_header, 0xff, MTF_HEADER_SIZE);
        for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
            memset(file_table(kind), 0xff, file_count(kind));
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    REQUIRE(file_header->tables[MTF_KIND_NODES].count == file_count(MTF_KIND_NODES));
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        REQUIRE(records_are_right(kind));
}

static void create_with_one_failure(void)
{
    int error = -1;
    start_with_some();
    for (long n = 0; error != 0; n++) {
        REQUIRE(n < 100);
        fault_one_after(n);
        error = file_create(child_file("report"));
        fault_none();
        if (error == 0)
            break;
        REQUIRE(error == -ENOMEM && !file_exists() && size_of(child_file("report")) == -1);
        require_private();
    }
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void a_file_that_cannot_be_mapped_leaves_the_tables_private(void **state)
{
    (void)state;
    assert_int_equal(child_run(create_with_one_failure), 0);
}

static void grow_without_mappings(void)
{
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    fault_all_after(0);
    uint64_t added = add_records(MTF_KIND_SITES, 100000);
    REQUIRE(added < 100000);
    int64_t size = size_of(file_path());
    for (int i = 0; i < 100; i++)
        REQUIRE(file_reserve(MTF_KIND_SITES, 1) == FILE_FULL);
    REQUIRE(size_of(file_path()) == size);
    fault_none();
    REQUIRE(add_records(MTF_KIND_SITES, 10000) == 10000);
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void growth_that_cannot_be_mapped_does_not_fill_the_disk(void **state)
{
    (void)state;
    assert_int_equal(child_run(grow_without_mappings), 0);
}

/* ---- forks ---- */

static void change_everything_in_a_child(void)
{
    file_fork_child();
    REQUIRE(file_detach() && !file_exists());
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        REQUIRE(records_are_right(kind));
        REQUIRE(add_records(kind, 3000) == 3000);
    }
    file_lost(MTF_LOST_FORK);
    REQUIRE(file_create(child_file("child")) == 0);
    REQUIRE(add_records(MTF_KIND_SITES, 3000) == 3000);
    require_file_equals_memory(file_path());
    _exit(0);
}

static void fork_with_a_file(void)
{
    int64_t before_size, after_size;
    start_with_some();
    REQUIRE(file_create(child_file("parent")) == 0);
    char *before = read_all(child_file("parent"), &before_size);
    file_fork_prepare();
    pid_t pid = fork();
    if (pid == 0)
        change_everything_in_a_child();
    file_fork_parent();
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    char *after = read_all(child_file("parent"), &after_size);
    REQUIRE(before_size == after_size && memcmp(before, after, (size_t)after_size) == 0);
    REQUIRE(add_records(MTF_KIND_SITES, 3000) == 3000);
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void a_child_detaches_and_leaves_the_parents_file_untouched(void **state)
{
    (void)state;
    assert_int_equal(child_run(fork_with_a_file), 0);
}

static void detach_without_memory(void)
{
    start_with_some();
    REQUIRE(file_create(child_file("parent")) == 0);
    for (long n = 0; n < 20; n++) {
        pid_t pid = fork();
        if (pid == 0) {
            fault_one_after(n);
            bool detached = file_detach();
            REQUIRE(detached == (fault_asked() <= n));
            _exit(0);
        }
        int status;
        REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    }
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void a_child_without_memory_says_so_and_harms_nothing(void **state)
{
    (void)state;
    assert_int_equal(child_run(detach_without_memory), 0);
}

static void clear_blocks(void)
{
    start_with_some();
    REQUIRE(file_create(child_file("report")) == 0);
    file_clear(MTF_KIND_BLOCKS);
    REQUIRE(file_count(MTF_KIND_BLOCKS) == 0 && file_header->tables[MTF_KIND_BLOCKS].count == 0);
    REQUIRE(file_count(MTF_KIND_NODES) == 100);
    require_file_equals_memory(file_path());
    child_folder_remove();
}

static void a_cleared_table_has_no_records(void **state)
{
    (void)state;
    assert_int_equal(child_run(clear_blocks), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_work_before_there_is_a_file),
        cmocka_unit_test(a_table_at_its_bound_is_full_and_harms_no_other),
        cmocka_unit_test(what_is_on_disk_is_what_is_in_memory),
        cmocka_unit_test(growth_of_one_table_joins_its_extents),
        cmocka_unit_test(a_full_extent_directory_is_a_full_table),
        cmocka_unit_test(where_no_file_can_be_had_the_tables_stay_private),
        cmocka_unit_test(a_limited_file_is_used_up_and_then_growth_fails),
        cmocka_unit_test(a_full_disk_is_an_error_and_no_signal),
        cmocka_unit_test(a_start_that_fails_anywhere_can_be_told),
        cmocka_unit_test(a_file_that_cannot_be_mapped_leaves_the_tables_private),
        cmocka_unit_test(growth_that_cannot_be_mapped_does_not_fill_the_disk),
        cmocka_unit_test(a_child_detaches_and_leaves_the_parents_file_untouched),
        cmocka_unit_test(a_child_without_memory_says_so_and_harms_nothing),
        cmocka_unit_test(a_cleared_table_has_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
