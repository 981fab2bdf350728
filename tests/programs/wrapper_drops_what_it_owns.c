/* Manual allocation through a wrapper that drops what it owns: nothing is left, but for one wrapper
   that nobody dropped. */
#include "truth.h"

static struct truth counted;

struct owned {
    unsigned char *data;
    size_t size;
};

static struct owned owned_alloc(size_t size)
{
    struct owned owned = {.data = truth_got(&counted, malloc(size), size), .size = size};
    truth_require(owned.data != NULL);
    memset(owned.data, 0xa5, size);
    return owned;
}

static void owned_drop(struct owned *owned)
{
    free(owned->data);
    truth_gone(&counted, owned->size);
    owned->data = NULL;
}

static void use_and_drop(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct owned owned = owned_alloc(16 + 24 * i);
        owned_drop(&owned);
    }
}

static struct owned forget_to_drop(void)
{
    return owned_alloc(4321);
}

int main(void)
{
    use_and_drop(100);
    struct owned kept = forget_to_drop();
    truth_require(kept.data[4320] == 0xa5);
    truth_write_all(&counted);
    truth_write(1, "truth under use_and_drop allocs=100 live_blocks=0 live_bytes=0\n");
    truth_write(1, "truth under forget_to_drop allocs=1 live_blocks=1 live_bytes=4321 sites=1\n");
    return 0;
}
