#include "base/real.h"
#include "base/boot.h"
#include "base/sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static void *real_boot_malloc(size_t size)
{
    if (real_wake && real_wake())
        return real.malloc(size);
    return boot_alloc(1, size);
}

static void *real_boot_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (real_wake && real_wake())
        return real.calloc(count, size);
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return boot_alloc(1, bytes);
}

static void *real_boot_realloc(void *block, size_t size)
{
    if (real_wake && real_wake())
        return real.realloc(block, size);
    void *moved = boot_alloc(1, size);
    if (block && moved) {
        size_t old = boot_size(block);
        memcpy(moved, block, old < size ? old : size);
    }
    return moved;
}

static void real_boot_free(void *block)
{
    if (real_wake && real_wake())
        real.free(block);
    /* the boot pool takes nothing back */
}

static void *real_boot_memalign(size_t alignment, size_t size)
{
    if (real_wake && real_wake())
        return real.memalign(alignment, size);
    return boot_alloc(alignment, size);
}

static int real_boot_posix_memalign(void **block, size_t alignment, size_t size)
{
    if (real_wake && real_wake())
        return real.posix_memalign(block, alignment, size);
    *block = boot_alloc(alignment, size);
    return *block ? 0 : ENOMEM;
}

static void *real_boot_valloc(size_t size)
{
    if (real_wake && real_wake())
        return real.valloc(size);
    return boot_alloc(sys_page_size(), size);
}

static size_t real_boot_usable_size(void *block)
{
    if (real_wake && real_wake())
        return real.malloc_usable_size(block);
    return block ? boot_size(block) : 0;
}

struct real_functions real = {
    .malloc = real_boot_malloc,
    .calloc = real_boot_calloc,
    .realloc = real_boot_realloc,
    .free = real_boot_free,
    .memalign = real_boot_memalign,
    .aligned_alloc = real_boot_memalign,
    .posix_memalign = real_boot_posix_memalign,
    .valloc = real_boot_valloc,
    .pvalloc = real_boot_valloc,
    .malloc_usable_size = real_boot_usable_size,
};

static void *real_made_memalign(size_t alignment, size_t size)
{
    void *block = NULL;
    int error =
        real.posix_memalign(&block, alignment < sizeof block ? sizeof block : alignment, size);
    if (error)
        errno = error;
    return error ? NULL : block;
}

static void *real_made_valloc(size_t size)
{
    return real.memalign(sys_page_size(), size);
}

static void *real_made_pvalloc(size_t size)
{
    size_t page = sys_page_size();
    size_t rounded;
    if (__builtin_add_overflow(size, page - 1, &rounded)) {
        errno = ENOMEM;
        return NULL;
    }
    return real.memalign(page, rounded & ~(page - 1));
}

bool real_may_miss(void)
{
    Dl_info first, ours;
    const void *found = dlsym(RTLD_DEFAULT, "malloc");
    return found == NULL || !dladdr(found, &first) || !dladdr(&real, &ours) ||
           first.dli_fbase == ours.dli_fbase;
}

void *real_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void real_take(void *function, const char *name)
{
    void *found = real_next(name);
    memcpy(function, &found, sizeof found);
}

/* POSIX lets a function pointer come out of dlsym; C11 has no conversion for it. */
#define REAL_TAKE(field, made)                                                                     \
    do {                                                                                           \
        void *found = real_next(#field);                                                           \
        if (found)                                                                                 \
            memcpy(&next.field, &found, sizeof found);                                             \
        else                                                                                       \
            next.field = (made);                                                                   \
    } while (0)

/* Not by dlerror: it translates the text, under a lock of libc's that the host may hold, since its first malloc
   of all can come from newlocale. A lookup that finds something takes back what the one before left. */
void real_forget_errors(void)
{
    (void)dlsym(RTLD_DEFAULT, "dlsym");
}

void real_resolve(void)
{
    struct real_functions next = real;
    REAL_TAKE(malloc, real.malloc);
    REAL_TAKE(calloc, real.calloc);
    REAL_TAKE(realloc, real.realloc);
    REAL_TAKE(free, real.free);
    REAL_TAKE(posix_memalign, real.posix_memalign);
    REAL_TAKE(memalign, real_made_memalign);
    REAL_TAKE(aligned_alloc, real_made_memalign);
    REAL_TAKE(valloc, real_made_valloc);
    REAL_TAKE(pvalloc, real_made_pvalloc);
    REAL_TAKE(malloc_usable_size, real.malloc_usable_size);
    real_forget_errors();
    real = next;
}
