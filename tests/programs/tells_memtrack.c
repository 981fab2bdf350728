/* usage: tells_memtrack WHAT: what a program may tell memtrack of its memory, and ask of it, and what must
   come of it. Prints what it was told in return. */
#include "memtrack.h"
#include "truth.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define HIDE(pointer) ((uintptr_t)(pointer) ^ UINTPTR_MAX)

static volatile uintptr_t hidden[64]; /* addresses that a scan does not know for such */

/* Calls deep into the stack, so that no dead word of the callers' is left there. */
static __attribute__((noinline)) void wipe(void)
{
    volatile char words[8192];
    for (size_t i = 0; i < sizeof words; i++)
        words[i] = 0;
}

static __attribute__((noinline)) void lose(size_t slot, size_t size)
{
    hidden[slot] = HIDE(malloc(size));
}

static void check_now(void)
{
    struct memtrack_leaks leaks;
    lose(0, 100);
    wipe();
    int done = memtrack_leak_check_into("half-way", &leaks);
    truth_write(1, "done=%d definite=%" PRIu64 "/%" PRIu64 "\n", done, leaks.definite_blocks,
                leaks.definite_bytes);
    free((void *)HIDE(hidden[0]));
    wipe();
    done = memtrack_leak_check_into("later", &leaks);
    truth_write(1, "done=%d definite=%" PRIu64 "/%" PRIu64 "\n", done, leaks.definite_blocks,
                leaks.definite_bytes);
}

static __attribute__((noinline)) void ignore_one(void)
{
    void **block = malloc(48);
    block[0] = malloc(52); /* what only it holds is none either */
    memtrack_ignore(block);
    hidden[1] = HIDE(block);
}

static void ignore(void)
{
    ignore_one();
    memtrack_ignore_begin();
    lose(2, 200);
    memtrack_ignore_begin();
    lose(3, 210);
    memtrack_ignore_end();
    lose(4, 220);
    memtrack_ignore_end();
    lose(5, 300);
}

/* A mapping that nobody saw is a root by itself; one that is told of and hidden is not. */
static void root(void)
{
    static char store[4096];
    void **kept = (void **)(store + 1024);
    void *block = malloc(64);
    truth_require(syscall(SYS_mprotect, (uintptr_t)store & ~4095ul, 1, PROT_READ | PROT_WRITE) ==
                  0);
    memtrack_root_add(kept, sizeof *kept);
    *kept = block;
    memtrack_root_remove(kept, sizeof *kept);
}

static __attribute__((noinline)) void in_scope(void)
{
    MEMTRACK_SCOPE("request");
    lose(6, 1000);
    lose(7, 24);
    free(malloc(77));
    free((void *)HIDE(hidden[7]));
}

static void *others(void *unused)
{
    (void)unused;
    lose(8, 4000);
    return NULL;
}

static void scope(void)
{
    pthread_t thread;
    free(malloc(5));
    struct memtrack_scope_state empty = memtrack_scope_begin("empty");
    in_scope();
    free((void *)HIDE(hidden[6]));
    truth_write(1, "empty=%" PRIu64 "\n", memtrack_scope_end(&empty));
    struct memtrack_scope_state mine = memtrack_scope_begin("mine");
    truth_require(pthread_create(&thread, NULL, others, NULL) == 0);
    truth_require(pthread_join(thread, NULL) == 0);
    lose(9, 10);
    truth_write(1, "all=%" PRIu64 "\n", memtrack_scope_end_all(&mine));
    free((void *)HIDE(hidden[8]));
    free((void *)HIDE(hidden[9]));
}

/* A chunk whose blocks are the pool's: 1 of 3 is held, 2 are lost, and the chunk counts as none. */
static void *held;
static __attribute__((noinline)) void *carve(char *chunk, size_t at, size_t size)
{
    memtrack_pool_alloc((const void *)hidden, chunk + at, size);
    return chunk + at;
}

static void pool(void)
{
    static char *chunk;
    chunk = malloc(1000);
    memtrack_pool_create((const void *)hidden);
    held = carve(chunk, 0, 100);
    hidden[10] = HIDE(carve(chunk, 200, 110));
    hidden[11] = HIDE(carve(chunk, 400, 120));
    memtrack_pool_free((const void *)hidden, carve(chunk, 600, 130));
}

static void phases(void)
{
    lose(12, 10);
    memtrack_phase("load");
    lose(13, 2000);
    lose(14, 2000);
    memtrack_phase("serve");
    free((void *)HIDE(hidden[13]));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(void);
    } works[] = {{"check", check_now}, {"ignore", ignore}, {"root", root},
                 {"scope", scope},     {"pool", pool},     {"phases", phases}};
    truth_require(argc == 2);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        if (strcmp(argv[1], works[i].name) == 0) {
            works[i].work();
            wipe();
            return 0;
        }
    }
    return 98;
}
