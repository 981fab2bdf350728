#include "hook/cxx.h"
#include "base/atomic.h"
#include "base/real.h"
#include "hook/hook.h"
#include "hook/record.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Names as the Itanium C++ ABI mangles them, with size_t as m: LP64 systems. */
#if __SIZEOF_SIZE_T__ == 8

enum cxx_id {
    CXX_NEW,
    CXX_NEW_ARRAY,
    CXX_NEW_NOTHROW,
    CXX_NEW_ARRAY_NOTHROW,
    CXX_NEW_ALIGNED,
    CXX_NEW_ARRAY_ALIGNED,
    CXX_NEW_ALIGNED_NOTHROW,
    CXX_NEW_ARRAY_ALIGNED_NOTHROW,
    CXX_DELETE,
    CXX_DELETE_ARRAY,
    CXX_DELETE_SIZED,
    CXX_DELETE_ARRAY_SIZED,
    CXX_DELETE_NOTHROW,
    CXX_DELETE_ARRAY_NOTHROW,
    CXX_DELETE_ALIGNED,
    CXX_DELETE_ARRAY_ALIGNED,
    CXX_DELETE_SIZED_ALIGNED,
    CXX_DELETE_ARRAY_SIZED_ALIGNED,
    CXX_DELETE_ALIGNED_NOTHROW,
    CXX_DELETE_ARRAY_ALIGNED_NOTHROW,
    CXX_COUNT,
};

static const char *const cxx_names[CXX_COUNT] = {
    [CXX_NEW] = "_Znwm",
    [CXX_NEW_ARRAY] = "_Znam",
    [CXX_NEW_NOTHROW] = "_ZnwmRKSt9nothrow_t",
    [CXX_NEW_ARRAY_NOTHROW] = "_ZnamRKSt9nothrow_t",
    [CXX_NEW_ALIGNED] = "_ZnwmSt11align_val_t",
    [CXX_NEW_ARRAY_ALIGNED] = "_ZnamSt11align_val_t",
    [CXX_NEW_ALIGNED_NOTHROW] = "_ZnwmSt11align_val_tRKSt9nothrow_t",
    [CXX_NEW_ARRAY_ALIGNED_NOTHROW] = "_ZnamSt11align_val_tRKSt9nothrow_t",
    [CXX_DELETE] = "_ZdlPv",
    [CXX_DELETE_ARRAY] = "_ZdaPv",
    [CXX_DELETE_SIZED] = "_ZdlPvm",
    [CXX_DELETE_ARRAY_SIZED] = "_ZdaPvm",
    [CXX_DELETE_NOTHROW] = "_ZdlPvRKSt9nothrow_t",
    [CXX_DELETE_ARRAY_NOTHROW] = "_ZdaPvRKSt9nothrow_t",
    [CXX_DELETE_ALIGNED] = "_ZdlPvSt11align_val_t",
    [CXX_DELETE_ARRAY_ALIGNED] = "_ZdaPvSt11align_val_t",
    [CXX_DELETE_SIZED_ALIGNED] = "_ZdlPvmSt11align_val_t",
    [CXX_DELETE_ARRAY_SIZED_ALIGNED] = "_ZdaPvmSt11align_val_t",
    [CXX_DELETE_ALIGNED_NOTHROW] = "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    [CXX_DELETE_ARRAY_ALIGNED_NOTHROW] = "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

/* Every operator takes at most three words and returns at most one: all are called in this form,
   which the calling conventions of LP64 Linux make equal to their own. */
typedef void *(*cxx_function)(const void *, size_t, const void *);

static struct {
    cxx_function next;      /* NULL: not looked up yet */
    bool direct;            /* recorded here, for it does not call malloc */
} cxx_operators[CXX_COUNT]; /* the same values whoever writes them */

static bool cxx_is_allocators_own(void *found)
{
    Dl_info here, allocator, libc;
    void *next_malloc;
    void *libc_symbol = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&next_malloc, &real.malloc, sizeof next_malloc);
    return libc_symbol && dladdr(found, &here) && dladdr(next_malloc, &allocator) &&
           dladdr(libc_symbol, &libc) && here.dli_fbase == allocator.dli_fbase &&
           here.dli_fbase != libc.dli_fbase;
}

static cxx_function cxx_function_at(void *found)
{
    cxx_function next;
    memcpy(&next, &found, sizeof next); /* C11 has no conversion to a function pointer */
    return next;
}

static void *cxx_address_of(cxx_function next)
{
    void *found;
    memcpy(&found, &next, sizeof found);
    return found;
}

void cxx_start(void)
{
    if (!real_may_miss())
        return; /* its operators are looked up when they are called */
    for (enum cxx_id id = 0; id < CXX_COUNT; id++) {
        void *found = real_next(cxx_names[id]);
        if (found)
            store_release(&cxx_operators[id].next, cxx_function_at(found)); /* CXX-NEXT */
        else if (id == CXX_NEW)
            break; /* no C++ here, yet */
    }
}

void cxx_judge(void)
{
    for (enum cxx_id id = 0; id < CXX_COUNT; id++) {
        cxx_function next = cxx_operators[id].next;
        cxx_operators[id].direct = next && cxx_is_allocators_own(cxx_address_of(next));
    }
}

/* A plugin that brings C++ into a program without it: the definition in the caller's own scope. */
static MT_COLD cxx_function cxx_find(enum cxx_id id, const void *caller)
{
    Dl_info about;
    void *found = real_next(cxx_names[id]);
    if (found == NULL && dladdr(caller, &about)) {
        void *scope = dlopen(about.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        if (scope) {
            found = dlsym(scope, cxx_names[id]);
            dlclose(scope);
        }
    }
    if (found == NULL)
        memcpy(&found, id < CXX_DELETE ? (void *)&real.malloc : (void *)&real.free, sizeof found);
    cxx_operators[id].direct = cxx_is_allocators_own(found);
    store_release(&cxx_operators[id].next, cxx_function_at(found)); /* CXX-NEXT */
    return cxx_function_at(found);
}

MT_INLINE cxx_function cxx_next(enum cxx_id id)
{
    cxx_function next = load_acquire(&cxx_operators[id].next); /* CXX-NEXT */
    return MT_LIKELY(next != NULL) ? next : cxx_find(id, __builtin_return_address(0));
}

/* Assumed: libstdc++'s operator, reached by a jump: no frame of ours is left on the stack. */
#define CXX_DEFINE_NEW(id, symbol)                                                                 \
    MT_EXPORT void *cxx_##id(size_t size, size_t second, const void *third) __asm__(symbol);       \
    void *cxx_##id(size_t size, size_t second, const void *third)                                  \
    {                                                                                              \
        cxx_function next = cxx_next(id);                                                          \
        if (MT_LIKELY(!cxx_operators[id].direct))                                                  \
            return next((const void *)size, second, third);                                        \
        struct host_frame caller = HOOK_CALLER();                                                  \
        void *block = next((const void *)size, second, third);                                     \
        hook_record_alloc(hook_enter(), block, size, &caller);                                     \
        return block;                                                                              \
    }

#define CXX_DEFINE_DELETE(id, symbol)                                                              \
    MT_EXPORT void cxx_##id(void *block, size_t second, const void *third) __asm__(symbol);        \
    void cxx_##id(void *block, size_t second, const void *third)                                   \
    {                                                                                              \
        cxx_function next = cxx_next(id);                                                          \
        if (MT_UNLIKELY(cxx_operators[id].direct) && !hook_record_free(block))                     \
            return;                                                                                \
        next(block, second, third);                                                                \
    }

CXX_DEFINE_NEW(CXX_NEW, "_Znwm")
CXX_DEFINE_NEW(CXX_NEW_ARRAY, "_Znam")
CXX_DEFINE_NEW(CXX_NEW_NOTHROW, "_ZnwmRKSt9nothrow_t")
CXX_DEFINE_NEW(CXX_NEW_ARRAY_NOTHROW, "_ZnamRKSt9nothrow_t")
CXX_DEFINE_NEW(CXX_NEW_ALIGNED, "_ZnwmSt11align_val_t")
CXX_DEFINE_NEW(CXX_NEW_ARRAY_ALIGNED, "_ZnamSt11align_val_t")
CXX_DEFINE_NEW(CXX_NEW_ALIGNED_NOTHROW, "_ZnwmSt11align_val_tRKSt9nothrow_t")
CXX_DEFINE_NEW(CXX_NEW_ARRAY_ALIGNED_NOTHROW, "_ZnamSt11align_val_tRKSt9nothrow_t")
CXX_DEFINE_DELETE(CXX_DELETE, "_ZdlPv")
CXX_DEFINE_DELETE(CXX_DELETE_ARRAY, "_ZdaPv")
CXX_DEFINE_DELETE(CXX_DELETE_SIZED, "_ZdlPvm")
CXX_DEFINE_DELETE(CXX_DELETE_ARRAY_SIZED, "_ZdaPvm")
CXX_DEFINE_DELETE(CXX_DELETE_NOTHROW, "_ZdlPvRKSt9nothrow_t")
CXX_DEFINE_DELETE(CXX_DELETE_ARRAY_NOTHROW, "_ZdaPvRKSt9nothrow_t")
CXX_DEFINE_DELETE(CXX_DELETE_ALIGNED, "_ZdlPvSt11align_val_t")
CXX_DEFINE_DELETE(CXX_DELETE_ARRAY_ALIGNED, "_ZdaPvSt11align_val_t")
CXX_DEFINE_DELETE(CXX_DELETE_SIZED_ALIGNED, "_ZdlPvmSt11align_val_t")
CXX_DEFINE_DELETE(CXX_DELETE_ARRAY_SIZED_ALIGNED, "_ZdaPvmSt11align_val_t")
CXX_DEFINE_DELETE(CXX_DELETE_ALIGNED_NOTHROW, "_ZdlPvSt11align_val_tRKSt9nothrow_t")
CXX_DEFINE_DELETE(CXX_DELETE_ARRAY_ALIGNED_NOTHROW, "_ZdaPvSt11align_val_tRKSt9nothrow_t")

#else

void cxx_start(void)
{
}

void cxx_judge(void)
{
}

#endif
