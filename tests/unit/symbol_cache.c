#include "symbol_cache.h"
#include "symbol_cache_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t build_id[] = {0xab, 0xcd, 0x01, 0x23};
static char folder[64];
static char path[96];

/* Answers of one address differ from those of another in everything. */
static const struct symbol_frame *frames_of(uint64_t address, int *count)
{
    static struct symbol_frame frames[3];
    static char names[3][4][64];
    *count = 1 + (int)(address % 3);
    for (int i = 0; i < *count; i++) {
        for (int j = 0; j < 4; j++)
            snprintf(names[i][j], sizeof names[i][j], "name %d.%d of %d", i, j,
                     (int)(address / (j == 3 ? 16 : 1)));
        frames[i] = (struct symbol_frame){
            .function = names[i][0],
            .linkage = address % 5 == 0 ? NULL : names[i][1],
            .name = names[i][2],
            .file = names[i][3],
            .line = (unsigned)address,
            .column = (unsigned)i,
            .inlined = i + 1 < *count,
        };
    }
    return frames;
}

static struct symbol_cache *cache_open(const char *stamp)
{
    struct symbol_cache *cache = symbol_cache_open(folder, build_id, sizeof build_id, stamp);
    assert_non_null(cache);
    return cache;
}

/* Frames must live until the cache is closed: copies of those above, which are static. */
static void cache_add_one(const char *stamp, uint64_t address)
{
    int count;
    const struct symbol_frame *frames = frames_of(address, &count);
    struct symbol_cache *cache = cache_open(stamp);
    symbol_cache_add(cache, address, frames, count);
    symbol_cache_close(cache);
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* 1: known, and right; 0: not known. */
static int cache_knows(const struct symbol_cache *cache, uint64_t address)
{
    int count;
    const struct symbol_frame *found, *expected = frames_of(address, &count);
    int got = symbol_cache_find(cache, address, &found);
    if (got == 0)
        return 0;
    assert_int_equal(got, count);
    for (int i = 0; i < count; i++) {
        assert_true(same(found[i].function, expected[i].function));
        assert_true(same(found[i].linkage, expected[i].linkage));
        assert_true(same(found[i].name, expected[i].name));
        assert_true(same(found[i].file, expected[i].file));
        assert_int_equal(found[i].line, expected[i].line);
        assert_int_equal(found[i].column, expected[i].column);
        assert_int_equal(found[i].inlined, expected[i].inlined);
    }
    return 1;
}

static int known_of(const char *stamp, uint64_t limit)
{
    struct symbol_cache *cache = cache_open(stamp);
    int known = 0;
    for (uint64_t address = 0; address < limit; address++)
        known += cache_knows(cache, address);
    symbol_cache_close(cache);
    return known;
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/memtrack-cache.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/abcd0123", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void what_was_added_is_there_the_next_time(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        cache_add_one("stamp", i * 37 % 100);
    assert_int_equal(known_of("stamp", 200), 100);
    cache_add_one("stamp", 7);
    assert_int_equal(known_of("stamp", 200), 100);
}

static void another_stamp_finds_nothing_and_replaces_the_file(void **state)
{
    (void)state;
    cache_add_one("one", 7);
    assert_int_equal(known_of("two", 10), 0);
    cache_add_one("two", 8);
    assert_int_equal(known_of("one", 10), 0);
    assert_int_equal(known_of("two", 10), 1);
}

static char *file_bytes(size_t *size)
{
    static char bytes[65536];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    *size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return bytes;
}

static void file_replace(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static void a_damaged_file_is_not_used_and_is_written_anew(void **state)
{
    size_t size;
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        cache_add_one("stamp", i);
    char *bytes = file_bytes(&size);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0x10;
        file_replace(bytes, size);
        assert_int_equal(known_of("stamp", 4), 0);
        bytes[at] ^= 0x10;
        file_replace(bytes, at);
        assert_int_equal(known_of("stamp", 4), 0);
    }
    cache_add_one("stamp", 2);
    assert_int_equal(known_of("stamp", 4), 1);
}

/* Whoever can write a right sum can write anything: nothing outside of the file is read for it. */
static void a_file_that_lies_with_a_right_sum_is_refused(void **state)
{
    size_t size;
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        cache_add_one("stamp", i);
    char *bytes = file_bytes(&size);
    struct cache_header *header = (struct cache_header *)(void *)bytes;
    for (size_t at = sizeof header->magic + 8; at + 4 <= size; at++) {
        char kept[4];
        memcpy(kept, bytes + at, 4);
        memset(bytes + at, 0xff, 4);
        header->sum = cache_sum(bytes, size);
        file_replace(bytes, size);
        struct symbol_cache *cache = cache_open("stamp");
        const struct symbol_frame *frames;
        for (uint64_t address = 0; address < 4; address++) {
            int count = symbol_cache_find(cache, address, &frames);
            for (int i = 0; i < count; i++)
                assert_true(frames[i].function == NULL || strlen(frames[i].function) < size);
        }
        symbol_cache_close(cache);
        memcpy(bytes + at, kept, 4);
    }
}

static void many_writers_at_once_leave_a_whole_file(void **state)
{
    int status;
    (void)state;
    for (int child = 0; child < 4; child++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (uint64_t i = 0; i < 100; i++) {
                cache_add_one("stamp", i);
                if (known_of("stamp", 1) < 0)
                    _exit(1);
            }
            _exit(0);
        }
    }
    for (int child = 0; child < 4; child++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_true(known_of("stamp", 100) > 0);
}

static void a_folder_that_is_missing_or_not_ours_is_no_failure(void **state)
{
    char kept[64];
    (void)state;
    strcpy(kept, folder);
    strcat(folder, "/missing");
    cache_add_one("stamp", 1);
    assert_int_equal(known_of("stamp", 2), 0);
    strcpy(folder, "/proc");
    cache_add_one("stamp", 1);
    strcpy(folder, kept);
}

static void environment(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void the_folder_is_the_users_and_made_when_missing(void **state)
{
    char base[96], expected[160];
    (void)state;
    snprintf(base, sizeof base, "%s/a", folder);
    snprintf(expected, sizeof expected, "%s/memtrack/symbols", base);
    environment("XDG_CACHE_HOME", base);
    char *found = symbol_cache_folder();
    assert_string_equal(found, expected);
    assert_int_equal(rmdir(found), 0);
    *strrchr(found, '/') = '\0';
    assert_int_equal(rmdir(found), 0);
    assert_int_equal(rmdir(base), 0);
    free(found);
    environment("XDG_CACHE_HOME", "/proc/nothing");
    assert_null(symbol_cache_folder());
    environment("XDG_CACHE_HOME", "relative");
    environment("HOME", "");
    assert_null(symbol_cache_folder());
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(what_was_added_is_there_the_next_time),
        IN_A_FOLDER(another_stamp_finds_nothing_and_replaces_the_file),
        IN_A_FOLDER(a_damaged_file_is_not_used_and_is_written_anew),
        IN_A_FOLDER(a_file_that_lies_with_a_right_sum_is_refused),
        IN_A_FOLDER(many_writers_at_once_leave_a_whole_file),
        IN_A_FOLDER(a_folder_that_is_missing_or_not_ours_is_no_failure),
        IN_A_FOLDER(the_folder_is_the_users_and_made_when_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
