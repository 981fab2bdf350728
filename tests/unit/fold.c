#include "fold.h"
#include "memtrack/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(bool folded, const char *function)
{
    if (fold_frame(function, "/usr/bin/app", MTF_MODULE_PROGRAM) != folded)
        fail_msg("%s is %sfolded", function, folded ? "not " : "");
}

static void the_allocators_own_names_are_folded(void **state)
{
    (void)state;
    expect(true, "malloc");
    expect(true, "operator new(unsigned long)");
    expect(true, "operator new[](unsigned long, std::nothrow_t const&)");
    expect(true, "__rust_alloc");
    expect(false, "malloc_wrapper");
    expect(false, "my_malloc");
    expect(false, "strdup");
}

static void insides_of_the_cxx_library_are_folded_and_its_interface_is_not(void **state)
{
    (void)state;
    expect(true, "__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)");
    expect(true, "std::__new_allocator<int>::allocate(unsigned long, void const*)");
    expect(true, "std::allocator<int>::allocate(unsigned long)");
    expect(true, "std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&)");
    expect(true, "std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)");
    expect(true, "void std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int&&)");
    expect(true, "std::__cxx11::basic_string<char, std::char_traits<char>, "
                 "std::allocator<char> >::_M_create(unsigned long&, unsigned long)");
    expect(true, "std::thread::_State_impl<std::thread::_Invoker<f> >::_M_run()");
    expect(false, "std::__cxx11::basic_string<char, std::char_traits<char>, "
                  "std::allocator<char> >::append(char const*)");
    expect(false, "std::vector<int, std::allocator<int> >::push_back(int const&)");
    expect(false, "std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&)");
    expect(false, "fill(std::vector<int, std::_Private<int> >&)");
    expect(false, "mine::_hidden(std::allocator<int>)");
    expect(false, "(anonymous namespace)::load(int)");
}

static void insides_of_the_rust_library_are_folded(void **state)
{
    (void)state;
    expect(true, "alloc::alloc::exchange_malloc");
    expect(true, "alloc::raw_vec::RawVec<T,A>::allocate_in");
    expect(true, "<alloc::raw_vec::RawVec<u8>>::reserve_for_push");
    expect(true, "<alloc::alloc::Global as core::alloc::Allocator>::allocate");
    expect(true, "core::ops::function::FnOnce::call_once");
    expect(true, "<F as core::ops::function::FnOnce<()>>::call_once");
    expect(true, "std::rt::lang_start::{{closure}}");
    expect(true, "std::panicking::catch_unwind::do_call::<std::rt::lang_start, isize>");
    expect(true, "alloc::boxed::box_new_uninit");
    expect(true, "__rustc::__rust_alloc");
    expect(true, "std::sys::backtrace::__rust_begin_short_backtrace");
    expect(false, "alloc::vec::Vec<T>::with_capacity");
    expect(false, "<app::Tree as app::Grow>::grow");
    expect(false, "app::main");
}

static void what_runs_before_main_is_folded_and_threads_only_in_the_c_library(void **state)
{
    (void)state;
    expect(true, "_start");
    expect(true, "__libc_start_main@@GLIBC_2.34");
    expect(false, "main");
    expect(false, "start_thread");
    assert_true(fold_frame("start_thread", "/lib/x86_64-linux-gnu/libc.so.6", 0));
    assert_true(fold_frame("clone3", "/lib/ld-musl-x86_64.so.1", 0));
}

static void a_frame_without_a_name_is_folded_in_the_shim_alone(void **state)
{
    (void)state;
    assert_false(fold_frame(NULL, "/usr/bin/app", MTF_MODULE_PROGRAM));
    assert_true(fold_frame(NULL, "/usr/lib/memtrack/libmemtrack.so", MTF_MODULE_SHIM));
}

static void odd_names_do_no_harm(void **state)
{
    (void)state;
    expect(false, "");
    expect(false, "<");
    expect(false, "std::");
    expect(false, "std::foo<((((");
    expect(false, "< as ");
    expect(false, "operator");
    expect(false, "std::operator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_allocators_own_names_are_folded),
        cmocka_unit_test(insides_of_the_cxx_library_are_folded_and_its_interface_is_not),
        cmocka_unit_test(insides_of_the_rust_library_are_folded),
        cmocka_unit_test(what_runs_before_main_is_folded_and_threads_only_in_the_c_library),
        cmocka_unit_test(a_frame_without_a_name_is_folded_in_the_shim_alone),
        cmocka_unit_test(odd_names_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
