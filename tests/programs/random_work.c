/* usage: random_work ROUNDS [plain]: deterministic work over many sizes, for comparing figures with
   those of other tools. `plain` keeps to malloc, calloc and free, which every tool counts alike. */
#include "truth.h"
#include <malloc.h>

#define SLOTS 500

static struct truth counted;
static uint32_t random_state = 12345;
static unsigned long aligned; /* blocks by memalign */
static struct {
    void *block;
    size_t size;
} slots[SLOTS];

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static void drop(size_t slot)
{
    if (slots[slot].block == NULL)
        return;
    free(slots[slot].block);
    truth_gone(&counted, slots[slot].size);
    slots[slot].block = NULL;
}

static void make(size_t slot, size_t size, uint32_t kind)
{
    void *block = kind == 0 ? calloc(1, size) : kind == 1 ? memalign(64, size) : malloc(size);
    truth_require(truth_got(&counted, block, size) != NULL);
    aligned += kind == 1;
    slots[slot].block = block;
    slots[slot].size = size;
}

static void resize(size_t slot, size_t size)
{
    slots[slot].block =
        truth_moved(&counted, realloc(slots[slot].block, size), slots[slot].size, size);
    truth_require(slots[slot].block != NULL);
    slots[slot].size = size;
}

int main(int argc, char **argv)
{
    truth_require(argc == 2 || argc == 3);
    int plain = argc == 3;
    for (unsigned long rounds = strtoul(argv[1], NULL, 10); rounds > 0; rounds--) {
        size_t slot = next_random() % SLOTS;
        size_t size = 1 + next_random() % 3000;
        uint32_t kind = next_random() % 4;
        if (kind == 3 && !plain && slots[slot].block != NULL) {
            resize(slot, size);
            continue;
        }
        drop(slot);
        make(slot, size, plain && kind == 1 ? 2 : kind);
    }
    for (size_t slot = 0; slot < SLOTS; slot += 2)
        drop(slot);
    truth_write(1, "by memalign: %lu\n", aligned);
    truth_write_all(&counted);
    return 0;
}
