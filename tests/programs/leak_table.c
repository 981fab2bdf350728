/* A leak table kept by hand: address, size and place of every allocation; what is still in it at
   the end is printed, and must be what the report's sample blocks say. */
#include "truth.h"

#define TABLE_MAX 64

static struct truth counted;

static struct {
    void *address;
    size_t size;
    const char *location;
} table[TABLE_MAX];

static void table_note(void *address, size_t size, const char *location)
{
    truth_got(&counted, address, size);
    for (size_t i = 0; i < TABLE_MAX; i++)
        if (table[i].address == NULL) {
            table[i].address = address;
            table[i].size = size;
            table[i].location = location;
            return;
        }
    truth_require(!"the table is full");
}

static void table_free(void *address)
{
    for (size_t i = 0; i < TABLE_MAX; i++)
        if (table[i].address == address) {
            truth_gone(&counted, table[i].size);
            table[i].address = NULL;
            free(address);
            return;
        }
    truth_require(!"not in the table");
}

static void *load_settings(size_t size)
{
    void *block = malloc(size);
    table_note(block, size, __func__);
    return block;
}

static void *open_session(size_t size)
{
    void *block = calloc(1, size);
    table_note(block, size, __func__);
    return block;
}

static void *aligned_buffer(size_t size)
{
    void *block = NULL;
    truth_require(posix_memalign(&block, 256, size) == 0);
    table_note(block, size, __func__);
    return block;
}

int main(void)
{
    void *kept[TABLE_MAX];
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        kept[count++] = load_settings(100 + i);
        kept[count++] = open_session(1000 + i);
        kept[count++] = aligned_buffer(5000 + i);
    }
    for (size_t i = 0; i < count; i += 2)
        table_free(kept[i]);
    for (size_t i = 0; i < TABLE_MAX; i++)
        if (table[i].address != NULL)
            truth_write(1, "Leak at %p: %zu bytes from %s\n", table[i].address, table[i].size,
                        table[i].location);
    truth_write_all(&counted);
    return 0;
}
