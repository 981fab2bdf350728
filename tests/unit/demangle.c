#include "demangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *mangled, const char *readable)
{
    char *result = demangle_name(mangled);
    if (readable == NULL)
        assert_null(result);
    else
        assert_string_equal(result ? result : "(null)", readable);
    free(result);
}

static void cxx_names_get_their_parameters_and_no_return_type(void **state)
{
    (void)state;
    expect("_ZN3FooC4Ev", "Foo::Foo()");
    expect("_ZNSt6vectorIiSaIiEE9push_backEOi",
           "std::vector<int, std::allocator<int> >::push_back(int&&)");
    expect("_Z3fooIiEvT_", "foo<int>(int)");
    expect("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const");
    expect("_Znwm", "operator new(unsigned long)");
}

static void compilers_clones_stay_recognizable(void **state)
{
    (void)state;
    expect("_Z3foov.part.0", "foo() [clone .part.0]");
}

static void old_rust_names_lose_their_hash(void **state)
{
    (void)state;
    expect("_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place");
    expect("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE.llvm.12345",
           "core::fmt::Write::write_fmt");
    expect("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h"
           "930b740aa94f1d3aE",
           "<Test + 'static as foo::Bar<Test>>::bar");
}

static void new_rust_names_lose_their_crate_hash(void **state)
{
    (void)state;
    expect("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
    expect("_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>");
}

static void what_is_not_mangled_is_left_alone(void **state)
{
    (void)state;
    expect("", NULL);
    expect("_", NULL);
    expect("malloc", NULL);
    expect("_start", NULL);
    expect("_Zebra", NULL);
    expect("_R", NULL);
    expect("_ZN", NULL);
}

/* Every parameter type refers twice to the one before: 2^30 times the first. */
static void a_name_that_stands_for_gigabytes_is_left_alone(void **state)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char name[1024] = "_Z1f1AIiiE";
    size_t at = strlen(name);
    (void)state;
    for (int i = 0; i < 30; i++)
        at += (size_t)snprintf(name + at, sizeof(name) - at, "S_IS%c_S%c_E", digits[i], digits[i]);
    expect(name, NULL);
}

static void a_name_that_is_too_long_is_left_alone(void **state)
{
    (void)state;
    size_t length = DEMANGLE_NAME_MAX + 8;
    char *name = malloc(length + 1);
    assert_non_null(name);
    memset(name, 'P', length);
    memcpy(name, "_Z1f", 4);
    name[length] = '\0';
    name[length - 1] = 'i';
    expect(name, NULL);
    free(name);
}

/* Random sequences of what mangled names are made of, long and deep: each call returns. */
static void hostile_names_do_no_harm(void **state)
{
    static const char *const heads[] = {"_Z1f", "_ZN", "_RNv", "_Z", "_RI", "_ZNK", "_RC"};
    static const char *const parts[] = {
        "P",  "T_",   "S_", "N1a", "F",  "I",  "J",  "X", "L", "DpT_", "K", "R", "Dp", "sz", "Ci",
        "B_", "UlvE", "E",  "_",   "Nv", "1a", "_0", "A", "G", "H",    "M", "Z", "v",  "i",  "fL_"};
    static char name[DEMANGLE_NAME_MAX + 16];
    uint32_t random = 1;
    (void)state;
    for (int round = 0; round < 5000; round++) {
        random = random * 1664525u + 1013904223u;
        size_t limit = round % 4 ? 900 : DEMANGLE_NAME_MAX;
        const char *repeated = parts[(random >> 8) % 30];
        size_t at = strlen(strcpy(name, heads[(random >> 16) % 7]));
        while (at < limit - 8) {
            random = random * 1664525u + 1013904223u;
            const char *part = round % 3 ? parts[(random >> 8) % 30] : repeated;
            at += strlen(strcpy(name + at, part));
        }
        char *result = demangle_name(name);
        assert_true(result == NULL || strlen(result) < DEMANGLE_RESULT_MAX);
        free(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cxx_names_get_their_parameters_and_no_return_type),
        cmocka_unit_test(compilers_clones_stay_recognizable),
        cmocka_unit_test(old_rust_names_lose_their_hash),
        cmocka_unit_test(new_rust_names_lose_their_crate_hash),
        cmocka_unit_test(what_is_not_mangled_is_left_alone),
        cmocka_unit_test(a_name_that_stands_for_gigabytes_is_left_alone),
        cmocka_unit_test(a_name_that_is_too_long_is_left_alone),
        cmocka_unit_test(hostile_names_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
