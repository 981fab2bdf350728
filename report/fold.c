#include "fold.h"
#include "memtrack/format.h"

#include <stddef.h>
#include <string.h>

/* Whole names, in any module. */
static const char *const fold_names[] = {
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "_int_malloc",
    "_int_realloc",
    "_int_memalign",
    "sysmalloc",
    "__libc_malloc",
    "__libc_calloc",
    "__libc_memalign",
    "__libc_realloc",
    "_mid_memalign",
    "_start",
    "__rust_alloc",
    "__rust_realloc",
    "__rust_alloc_zeroed",
    "__rust_try",
    "__libc_start_main",
    "__libc_start_call_main",
};

/* Whole names in the C library only: programs have functions of these names, too. */
static const char *const fold_libc_names[] = {
    "start_thread", "clone", "clone3", "__clone", "__clone3", "thread_start",
};

/* How a name begins, in any module; the part before (return type) is skipped. */
static const char *const fold_prefixes[] = {
    "operator new",
    "operator delete",
    "__gnu_cxx::",
    "std::allocator<",
    "std::allocator_traits",
    "__libc_start",
    "__rdl_",
    "__rg_",
    "alloc::alloc::",
    "alloc::raw_vec::",
    "core::alloc::",
    "core::ops::function::",
    "std::rt::",
    "std::alloc::",
    "std::panicking::try",
    "std::panicking::catch_unwind",
    "alloc::boxed::box_new_uninit",
    "__rustc::__r",
    "__rustc[",
    "std::panic::catch_unwind",
};

/* Namespaces whose name begins with an underscore and that nobody writes. */
static const char *const fold_inline_namespaces[] = {
    "__cxx11::", "__1::", "__cxx1998::", "__debug::", "__ndk1::", "_V2::",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool has_prefix(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

static bool in_list(const char *string, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(string, list[i]) == 0)
            return true;
    }
    return false;
}

/* The list entry that the string begins with, or NULL. */
static const char *prefix_in_list(const char *string, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has_prefix(string, list[i]))
            return list[i];
    }
    return NULL;
}

/* Moves over one character, or over a whole <...>, (...), [...] or {...}. */
static const char *skip_one(const char *at)
{
    int depth = 0;
    do {
        if (strchr("<([{", *at) != NULL)
            depth++;
        else if (strchr(">)]}", *at) != NULL && depth > 0)
            depth--;
        at++;
    } while (depth > 0 && *at != '\0');
    return at;
}

/* Where the qualified name begins: behind the last space outside of brackets and before the
   parameters. "void ns::f<int>(int)" -> "ns::f<int>(int)" */
static const char *name_begin(const char *function)
{
    const char *begin = function;
    for (const char *at = function; *at != '\0';) {
        if (has_prefix(at, "operator"))
            break;
        if (*at == '(' && !has_prefix(at, "(anonymous namespace)"))
            break;
        if (*at == ' ')
            begin = at + 1;
        at = skip_one(at);
    }
    return begin;
}

/* std::…::_Something(…): the library's insides, by the names that are reserved for them. */
static bool is_std_internal(const char *name)
{
    if (!has_prefix(name, "std::"))
        return false;
    const char *at = name;
    bool component = true;
    while (*at != '\0' && *at != '(') {
        if (component && has_prefix(at, "operator"))
            return false;
        const char *skipped =
            prefix_in_list(at, fold_inline_namespaces, COUNT(fold_inline_namespaces));
        if (component && skipped != NULL) {
            at += strlen(skipped);
            continue;
        }
        if (component && *at == '_')
            return true;
        component = has_prefix(at, "::");
        at = component ? at + 2 : skip_one(at);
    }
    return false;
}

/* Rust's <Type as Trait>::method: where the trait begins, or NULL. */
static const char *rust_trait(const char *name)
{
    const char *at = name + 1;
    while (*at != '\0' && *at != '>') {
        if (has_prefix(at, " as "))
            return at + 4;
        at = skip_one(at);
    }
    return NULL;
}

static const char *rust_type(const char *name)
{
    const char *at = name + 1;
    while (*at == '&' || *at == '*')
        at++;
    return at;
}

static bool is_folded_name(const char *name)
{
    return prefix_in_list(name, fold_prefixes, COUNT(fold_prefixes)) != NULL ||
           is_std_internal(name);
}

static bool is_libc(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    return has_prefix(base, "libc.so") || has_prefix(base, "libc-2") ||
           has_prefix(base, "libpthread") || has_prefix(base, "ld-musl");
}

bool fold_frame(const char *function, const char *module_path, uint32_t module_flags)
{
    if ((module_flags & MTF_MODULE_SHIM) != 0)
        return true;
    if (function == NULL)
        return false;
    if (in_list(function, fold_names, COUNT(fold_names)) ||
        (is_libc(module_path) && in_list(function, fold_libc_names, COUNT(fold_libc_names))))
        return true;
    if (is_folded_name(function))
        return true;
    const char *name = name_begin(function);
    if (*name != '<')
        return is_folded_name(name);
    const char *trait = rust_trait(name);
    return is_folded_name(rust_type(name)) || (trait != NULL && is_folded_name(trait));
}
