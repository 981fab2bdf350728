/* Names of functions, from ELF files. */
#include "stack/symbols.h"

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

__attribute__((noinline)) static uint64_t of_this_file(const void *address)
{
    struct link_map *map = _r_debug.r_map; /* of the program: first in the list */
    return (uintptr_t)address - map->l_addr;
}

static void functions_are_found_by_name_and_by_address(void **state)
{
    struct symbols symbols;
    uint64_t here = of_this_file((const void *)functions_are_found_by_name_and_by_address);
    (void)state;
    assert_true(symbols_open(&symbols, "/proc/self/exe", SYMBOLS_OWN));
    assert_int_equal(symbols_address(&symbols, "functions_are_found_by_name_and_by_address"), here);
    assert_string_equal(symbols_name(&symbols, here + 1),
                        "functions_are_found_by_name_and_by_address");
    assert_int_equal(symbols_address(&symbols, "there_is_no_such_function"), 0);
    assert_null(symbols_name(&symbols, 1));
    symbols_close(&symbols);
}

static void a_stripped_library_has_what_it_exports(void **state)
{
    struct symbols symbols;
    (void)state;
    const char *path = NULL;
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
        if (strstr(map->l_name, "libc.so"))
            path = map->l_name;
    }
    assert_non_null(path);
    assert_true(symbols_open(&symbols, path, SYMBOLS_EITHER));
    assert_int_not_equal(symbols_address(&symbols, "qsort"), 0);
    symbols_close(&symbols);
}

/* Cut at every length, and then with every byte of its beginning changed: nothing is read that is not there. */
static void a_file_that_makes_no_sense_has_no_symbols(void **state)
{
    char path[] = "/tmp/symbols-XXXXXX";
    static char bytes[1 << 16];
    struct symbols symbols;
    (void)state;
    int fd = mkstemp(path);
    FILE *self = fopen("/proc/self/exe", "r");
    assert_true(fd >= 0 && self != NULL);
    size_t length = fread(bytes, 1, sizeof bytes, self);
    fclose(self);
    for (size_t cut = 0; cut < length; cut += length / 50) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, cut, 0), cut);
        assert_false(symbols_open(&symbols, path, SYMBOLS_EITHER));
    }
    for (size_t at = 0; at < 64; at++) {
        char changed = (char)~bytes[at];
        assert_int_equal(pwrite(fd, bytes, length, 0), length);
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
        if (symbols_open(&symbols, path, SYMBOLS_EITHER))
            symbols_close(&symbols);
    }
    close(fd);
    unlink(path);
    assert_false(symbols_open(&symbols, path, SYMBOLS_EITHER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found_by_name_and_by_address),
        cmocka_unit_test(a_stripped_library_has_what_it_exports),
        cmocka_unit_test(a_file_that_makes_no_sense_has_no_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
