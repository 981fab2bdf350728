#include "symbol_calls.h"
#include "elf_sample.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char source[] =
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "__attribute__((noinline)) void *own(unsigned long size) { return realloc(NULL, size); "
    "}\n"
    "__attribute__((noinline)) void *visible(void *(*pointer)(unsigned long))\n"
    "{\n"
    "  char *volatile block = calloc(3, 5);\n"
    "  block = own(7);\n"
    "  block = pointer(9);\n"
    "  puts(\"said\");\n"
    "  return block;\n"
    "}\n"
    "int main(void) { return visible(malloc) == NULL; }\n";

/* All names that are found at any address of the function, in order, each with a blank behind it. */
static void calls_of(const char *command, const char *function, char *names, size_t size)
{
    uint64_t length;
    elf_sample_write("calls.c", source);
    elf_sample_run("%s -fno-optimize-sibling-calls -fno-builtin -o calls calls.c 2>&1", command);
    uint64_t at = elf_sample_symbol("calls", function, &length);
    int file = open(elf_sample_path("calls"), O_RDONLY | O_CLOEXEC);
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(file, ELF_C_READ_MMAP, NULL);
    struct symbol_calls *calls = symbol_calls_open(elf);
    *names = '\0';
    for (uint64_t address = at; address <= at + length && calls != NULL; address++) {
        const char *name = symbol_calls_find(calls, address);
        if (name != NULL)
            strncat(strncat(names, name, size - strlen(names) - 2), " ", 1);
    }
    symbol_calls_close(calls);
    elf_end(elf);
    close(file);
}

static void calls_of_imported_functions_have_their_names(void **state)
{
    static const char *const commands[] = {
        "gcc -O1",
        "gcc -O1 -fno-plt",
        "gcc -O2 -fcf-protection=full",
        "gcc -O1 -no-pie",
        "gcc -O1 -Wl,-z,now",
        "clang -O1",
        "clang -O1 -fno-plt",
        "gcc -O0 -fcf-protection=none",
    };
    char names[256];
    (void)state;
#ifndef __x86_64__
    print_message("only x86-64 is read\n");
    skip();
#endif
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        calls_of(commands[i], "visible", names, sizeof names);
        assert_string_equal(names, "calloc puts ");
        calls_of(commands[i], "own", names, sizeof names);
        assert_string_equal(names, "realloc ");
    }
}

static void a_static_program_calls_nothing_by_name(void **state)
{
    char names[256];
    (void)state;
    calls_of("gcc -O1 -static", "visible", names, sizeof names);
    assert_string_equal(names, "");
}

static void what_is_no_elf_file_has_no_calls(void **state)
{
    char text[] = "not an ELF file at all, but long enough to be looked at as one would be";
    (void)state;
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory(text, sizeof text);
    assert_null(symbol_calls_open(elf));
    assert_null(symbol_calls_open(NULL));
    elf_end(elf);
}

static int clean(void **state)
{
    (void)state;
    elf_sample_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_of_imported_functions_have_their_names),
        cmocka_unit_test(a_static_program_calls_nothing_by_name),
        cmocka_unit_test(what_is_no_elf_file_has_no_calls),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
