/* realloc: as malloc, growing in place or elsewhere, shrinking, refused (the old block stays), and
   to nothing, which frees. */
#include "truth.h"

static struct truth counted;

/* Beyond what malloc may ever give. Volatile: compilers refuse to compile it as a constant. */
static volatile size_t too_much = PTRDIFF_MAX;

static unsigned char *from_nothing(size_t size)
{
    unsigned char *block = truth_got(&counted, realloc(NULL, size), size);
    truth_require(block != NULL);
    memset(block, 7, size);
    return block;
}

static unsigned char *resize(unsigned char *block, size_t old_size, size_t size)
{
    unsigned char *moved = truth_moved(&counted, realloc(block, size), old_size, size);
    truth_require(moved != NULL && moved[0] == 7);
    memset(moved, 7, size);
    return moved;
}

/* Small steps mostly stay in place, large ones move. */
static unsigned char *grow_step_by_step(size_t last_size)
{
    size_t size = 1;
    unsigned char *block = from_nothing(size);
    while (size < last_size) {
        size_t next = size * 3 / 2 + 1 < last_size ? size * 3 / 2 + 1 : last_size;
        block = resize(block, size, next);
        size = next;
    }
    return block;
}

/* The refused block stays whole, where it is, and tracked. Volatile: the compiler thinks that a
   block which was passed to realloc is gone. */
static unsigned char *refused(unsigned char *volatile block, size_t size)
{
    truth_require(truth_moved(&counted, realloc(block, too_much), size, too_much) == NULL);
    truth_require(truth_moved(&counted, reallocarray(block, too_much, 16), size, too_much) == NULL);
    for (size_t i = 0; i < size; i += 997)
        truth_require(block[i] == 7);
    return block;
}

static void to_nothing(unsigned char *block, size_t size)
{
    truth_require(realloc(block, 0) == NULL);
    truth_gone(&counted, size);
}

static void *array_grows(void)
{
    unsigned char *block = truth_got(&counted, reallocarray(NULL, 10, 24), 240);
    truth_require(block != NULL);
    return truth_moved(&counted, reallocarray(block, 100, 24), 240, 2400);
}

int main(void)
{
    unsigned char *block = grow_step_by_step(2000000);
    block = refused(block, 2000000);
    block = resize(block, 2000000, 3);
    unsigned char *neighbour = from_nothing(50);
    block = resize(block, 3, 60000);
    to_nothing(block, 60000);
    to_nothing(neighbour, 50);
    void *array = array_grows();
    truth_require(array != NULL);
    block = refused(from_nothing(333), 333);
    truth_require(block != NULL);
    truth_write_all(&counted);
    truth_write(1, "truth under array_grows live_blocks=1 live_bytes=2400\n");
    truth_write(1, "truth at from_nothing live_blocks=1 live_bytes=333\n");
    truth_write(1, "truth at to_nothing allocs=0\n");
    return 0;
}
