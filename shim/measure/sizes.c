#include "measure/sizes.h"
#include "store/file.h"

#include <string.h>

static struct mtf_size sizes_lost[MTF_SIZES_COUNT]; /* where there was no room: nobody reads it */

struct mtf_size *sizes_shared = sizes_lost;

struct mtf_size *sizes_reserve(void)
{
    uint64_t index = file_reserve(MTF_KIND_SIZES, MTF_SIZES_COUNT);
    if (index == FILE_FULL)
        return NULL;
    struct mtf_size *histogram = (struct mtf_size *)file_table(MTF_KIND_SIZES) + index;
    memset(histogram, 0, MTF_SIZES_COUNT * sizeof *histogram); /* in a forked child: the parent's */
    file_publish(MTF_KIND_SIZES, index + MTF_SIZES_COUNT);
    return histogram;
}

void sizes_start(void)
{
    struct mtf_size *histogram = sizes_reserve();
    sizes_shared = histogram ? histogram : sizes_lost;
}

void sizes_restart(void)
{
    file_clear(MTF_KIND_SIZES);
    sizes_start();
}
