/* One function leaks, reached on two paths: two call sites, each with its own blocks. The loops
   count in volatile variables: an unrolled loop would be more than one place that calls. */
#include "truth.h"

static struct truth counted;
static void *kept[16];
static size_t kept_count;

static void make_block(size_t size)
{
    kept[kept_count++] = truth_got(&counted, malloc(size), size);
}

static void first_path(void)
{
    for (volatile size_t i = 0; i < 2; i++)
        make_block(10);
}

static size_t middle_of_second_path(void)
{
    for (volatile size_t i = 0; i < 3; i++)
        make_block(100);
    return kept_count;
}

static void second_path(void)
{
    truth_require(middle_of_second_path() <= 10);
}

int main(void)
{
    for (volatile size_t round = 0; round < 2; round++) {
        first_path();
        second_path();
    }
    truth_write_all(&counted);
    truth_write(1, "truth at make_block live_blocks=10 live_bytes=640 sites=2\n");
    truth_write(1, "truth under first_path live_blocks=4 live_bytes=40 sites=1\n");
    truth_write(1, "truth under second_path live_blocks=6 live_bytes=600 sites=1\n");
    return 0;
}
