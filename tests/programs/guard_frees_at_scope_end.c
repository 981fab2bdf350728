/* RAII in C: a variable with a cleanup function frees its block on every way out of its scope. */
#include "truth.h"

static struct truth counted;

struct guarded {
    void *block;
    size_t size;
};

static void guard_release(struct guarded *guarded)
{
    if (guarded->block == NULL)
        return;
    free(guarded->block);
    truth_gone(&counted, guarded->size);
}

#define GUARDED struct guarded __attribute__((cleanup(guard_release)))

static struct guarded guard_make(size_t size)
{
    return (struct guarded){truth_got(&counted, calloc(1, size), size), size};
}

static int returns_early(size_t size)
{
    GUARDED first = guard_make(size);
    if (size % 2 == 0)
        return 0;
    GUARDED second = guard_make(2 * size);
    return first.block != NULL && second.block != NULL;
}

static void *moves_out_of_its_guard(void)
{
    GUARDED guarded = guard_make(777);
    void *moved = guarded.block;
    guarded.block = NULL;
    return moved;
}

int main(void)
{
    int both = 0;
    for (size_t size = 1; size <= 64; size++)
        both += returns_early(size);
    truth_require(both == 32);
    void *moved = moves_out_of_its_guard();
    truth_require(moved != NULL);
    truth_write_all(&counted);
    truth_write(1, "truth under returns_early allocs=96 frees=96 live_blocks=0\n");
    truth_write(1, "truth under moves_out_of_its_guard live_blocks=1 live_bytes=777 sites=1\n");
    return 0;
}
