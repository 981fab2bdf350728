#include "shorten.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *exact, const char *readable)
{
    char *name = shorten_name(exact);
    assert_non_null(name);
    assert_string_equal(name, readable);
    free(name);
}

static void a_string_has_its_usual_name(void **state)
{
    (void)state;
    expect("std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> "
           ">::append(char const*)",
           "std::string::append(char const*)");
    expect("load(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > "
           "const&)",
           "load(std::string const&)");
    expect("std::__cxx11::list<int, std::allocator<int> >::push_back(int&&)",
           "std::list<int>::push_back(int&&)");
}

static void default_arguments_are_left_out(void **state)
{
    (void)state;
    expect("std::vector<int, std::allocator<int> >::reserve(unsigned long)",
           "std::vector<int>::reserve(unsigned long)");
    expect("std::map<int, A, std::less<int>, std::allocator<std::pair<int const, A> > "
           ">::operator[](int const&)",
           "std::map<int, A>::operator[](int const&)");
    expect("std::vector<std::vector<int, std::allocator<int> >, std::allocator<std::vector<int, "
           "std::allocator<int> > > >::clear()",
           "std::vector<std::vector<int>>::clear()");
    expect("std::unique_ptr<A, std::default_delete<A>>::~unique_ptr()",
           "std::unique_ptr<A>::~unique_ptr()");
}

static void what_somebody_chose_stays(void **state)
{
    (void)state;
    expect("std::vector<int, mine::pool<int> >::reserve(unsigned long)",
           "std::vector<int, mine::pool<int> >::reserve(unsigned long)");
    expect("std::map<int, A, std::greater<int>, std::allocator<A> >::clear()",
           "std::map<int, A, std::greater<int>>::clear()");
    expect("f(int, std::allocator<int>)", "f(int, std::allocator<int>)");
    expect("f(int, std::allocator<int> const&)", "f(int, std::allocator<int> const&)");
    expect("box<std::allocator<int>, int>::get()", "box<std::allocator<int>, int>::get()");
}

static void other_names_come_out_as_they_are(void **state)
{
    (void)state;
    expect("", "");
    expect("main", "main");
    expect("alloc::vec::Vec<T,A>::push", "alloc::vec::Vec<T,A>::push");
    expect("f<a, std::less<", "f<a, std::less<");
    expect("f, std::less<a>", "f, std::less<a>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_has_its_usual_name),
        cmocka_unit_test(default_arguments_are_left_out),
        cmocka_unit_test(what_somebody_chose_stays),
        cmocka_unit_test(other_names_come_out_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
