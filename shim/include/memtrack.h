/*
 * memtrack.h: what a program may tell memtrack, and ask of it, while it runs.
 *
 * Nothing to link: include this header. Without libmemtrack.so preloaded every call does nothing, gives 0
 * (or the like, as said below), and costs a load and a branch. C and C++, gcc and clang, dynamic or
 * static. What begins with memtrack_shim is not to be used by name.
 *
 *     memtrack_leak_check("after warm-up")    looks for leaks now; the process goes on
 *     memtrack_ignore(block)                  this block is no leak, nor what it points at
 *     memtrack_ignore_begin() / _end()        nor is what this thread allocates in between
 *     memtrack_root_add(start, size)          pointers in this memory count, until memtrack_root_remove
 *     memtrack_phase("loading")               from here on usage is told apart under this name
 *     MEMTRACK_SCOPE("request")               what is allocated from here on and still there at the end of
 *                                             the C block is listed; C++: memtrack::scope
 *     memtrack_pool_create(pool) ...          a custom allocator's blocks have call sites of their own
 *
 * May be called by any thread at any time, but not in a signal handler, nor while malloc runs.
 */
#ifndef MEMTRACK_H
#define MEMTRACK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a check found, in blocks and bytes. */
struct memtrack_leaks {
    uint64_t definite_blocks, definite_bytes;
    uint64_t indirect_blocks, indirect_bytes;
    uint64_t possible_blocks, possible_bytes;
    uint64_t reachable_blocks, reachable_bytes;
};

/* What the shim offers. `size` is that of its own struct: fields are only ever added at the end. */
struct memtrack_shim {
    size_t size;
    int (*leak_check)(const char *label, struct memtrack_leaks *leaks);
    void (*ignore)(const void *block);
    void (*ignore_begin)(void);
    void (*ignore_end)(void);
    void (*root_add)(const void *start, size_t size);
    void (*root_remove)(const void *start, size_t size);
    void (*phase)(const char *name);
    uint64_t (*scope_begin)(void);
    uint64_t (*scope_end)(const char *name, uint64_t begin, int all_threads);
    void (*pool_create)(const void *pool);
    void (*pool_destroy)(const void *pool);
    void (*pool_alloc)(const void *pool, const void *block, size_t size);
    void (*pool_free)(const void *pool, const void *block);
    void (*pool_trim)(const void *pool, const void *start, size_t size);
    void (*pool_move)(const void *pool, const void *moved);
    void (*pool_change)(const void *pool, const void *block, const void *moved, size_t size);
};

#define MEMTRACK_INLINE static inline __attribute__((always_inline))

/* Defined by the shim alone. */
extern const struct memtrack_shim memtrack_shim_functions __attribute__((weak));

/* NULL unless the shim is preloaded. */
MEMTRACK_INLINE const struct memtrack_shim *memtrack_shim(void)
{
#if defined(__x86_64__)
    /* In a program that is not position-independent, compilers take the address of what is absent at link
       time for NULL; the loader's table has the true one. */
    const struct memtrack_shim *shim;
    __asm__(".weak memtrack_shim_functions\n\t"
            "movq memtrack_shim_functions@GOTPCREL(%%rip), %0"
            : "=r"(shim));
    return shim;
#else
    return &memtrack_shim_functions;
#endif
}

/* Is the program under memtrack? */
MEMTRACK_INLINE int memtrack_is_active(void)
{
    return memtrack_shim() != NULL;
}

/*
 * Looks for leaks now. The result goes to the report under `label` (may be NULL) and, where `leaks` is
 * not NULL, to *leaks. 1: done; 0: not under memtrack, switched off (leak_check=no), or the check failed,
 * and *leaks is zero.
 */
MEMTRACK_INLINE int memtrack_leak_check_into(const char *label, struct memtrack_leaks *leaks)
{
    const struct memtrack_leaks none = {0, 0, 0, 0, 0, 0, 0, 0};
    const struct memtrack_shim *shim = memtrack_shim();
    if (leaks)
        *leaks = none;
    return shim ? shim->leak_check(label, leaks) : 0;
}

MEMTRACK_INLINE int memtrack_leak_check(const char *label)
{
    return memtrack_leak_check_into(label, NULL);
}

/* The live block that begins at `block`, and what only it holds, is no leak for as long as it lives. */
MEMTRACK_INLINE void memtrack_ignore(const void *block)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->ignore(block);
}

/* What the calling thread allocates between the two is no leak. May be nested. */
MEMTRACK_INLINE void memtrack_ignore_begin(void)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->ignore_begin();
}

MEMTRACK_INLINE void memtrack_ignore_end(void)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->ignore_end();
}

/* Memory that memtrack does not look into by itself, such as a mapping made by a raw system call, and whose
   pointers count. Parts that cannot be read are skipped. */
MEMTRACK_INLINE void memtrack_root_add(const void *start, size_t size)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->root_add(start, size);
}

/* With the same start and size. */
MEMTRACK_INLINE void memtrack_root_remove(const void *start, size_t size)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->root_remove(start, size);
}

/* A new phase of the program's life begins: reports tell usage apart by phase, those of the same name
   together. It looks at every call site once. */
MEMTRACK_INLINE void memtrack_phase(const char *name)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->phase(name);
}

/* ---- scopes ---- */

struct memtrack_scope_state {
    const char *name;
    uint64_t begin;
};

MEMTRACK_INLINE struct memtrack_scope_state memtrack_scope_begin(const char *name)
{
    const struct memtrack_shim *shim = memtrack_shim();
    struct memtrack_scope_state state = {name, shim ? shim->scope_begin() : 0};
    return state;
}

/* Lists what the calling thread has allocated since the scope began and not freed, under the scope's name, in
   the report. How many blocks. */
MEMTRACK_INLINE uint64_t memtrack_scope_end(const struct memtrack_scope_state *state)
{
    const struct memtrack_shim *shim = memtrack_shim();
    return shim ? shim->scope_end(state->name, state->begin, 0) : 0;
}

/* The same for all threads' blocks. */
MEMTRACK_INLINE uint64_t memtrack_scope_end_all(const struct memtrack_scope_state *state)
{
    const struct memtrack_shim *shim = memtrack_shim();
    return shim ? shim->scope_end(state->name, state->begin, 1) : 0;
}

static inline void memtrack_scope_cleanup(struct memtrack_scope_state *state)
{
    memtrack_scope_end(state);
}

#define MEMTRACK_JOIN_(a, b) a##b
#define MEMTRACK_JOIN(a, b) MEMTRACK_JOIN_(a, b)
/* A scope that ends with the C block it stands in, however that is left. */
#define MEMTRACK_SCOPE(name)                                                                       \
    __attribute__((cleanup(memtrack_scope_cleanup), unused)) struct memtrack_scope_state           \
    MEMTRACK_JOIN(memtrack_scope_, __LINE__) = memtrack_scope_begin(name)

/* ---- the program's own pools and allocators ---- */

/*
 * In Valgrind's terms (memcheck manual, section 4.8), where `pool` is any address that names the pool. A
 * block of a pool is a block like any other: it has a call site, and can be lost. The block or mapping
 * that holds blocks of a pool (its chunk) is no block itself as long as it does. With pool NULL: blocks
 * of an allocator without pools (VALGRIND_MALLOCLIKE_BLOCK and FREELIKE_BLOCK).
 */
MEMTRACK_INLINE void memtrack_pool_create(const void *pool)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_create(pool);
}

/* Its blocks are freed with it. */
MEMTRACK_INLINE void memtrack_pool_destroy(const void *pool)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_destroy(pool);
}

MEMTRACK_INLINE void memtrack_pool_alloc(const void *pool, const void *block, size_t size)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_alloc(pool, block, size);
}

MEMTRACK_INLINE void memtrack_pool_free(const void *pool, const void *block)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_free(pool, block);
}

/* Frees what lies outside of [start, start + size); a block that lies partly in it is cut. */
MEMTRACK_INLINE void memtrack_pool_trim(const void *pool, const void *start, size_t size)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_trim(pool, start, size);
}

/* The pool is called `moved` from now on. */
MEMTRACK_INLINE void memtrack_pool_move(const void *pool, const void *moved)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_move(pool, moved);
}

/* A block is elsewhere, or of another size, from now on. */
MEMTRACK_INLINE void memtrack_pool_change(const void *pool, const void *block, const void *moved,
                                          size_t size)
{
    const struct memtrack_shim *shim = memtrack_shim();
    if (shim)
        shim->pool_change(pool, block, moved, size);
}

#ifdef __cplusplus
} /* extern "C" */

namespace memtrack
{

/* A scope that ends with the object's life. */
class scope
{
  public:
    explicit scope(const char *name) : state(memtrack_scope_begin(name))
    {
    }
    ~scope()
    {
        memtrack_scope_end(&state);
    }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

  private:
    memtrack_scope_state state;
};

/* What this thread allocates while it lives is no leak. */
class ignore_scope
{
  public:
    ignore_scope()
    {
        memtrack_ignore_begin();
    }
    ~ignore_scope()
    {
        memtrack_ignore_end();
    }
    ignore_scope(const ignore_scope &) = delete;
    ignore_scope &operator=(const ignore_scope &) = delete;
};

} // namespace memtrack
#endif

#endif
