/* usage: small_limits fsize|as|nofile|data: goes on under a small resource limit that it sets
   itself, or, with `inherited` in front, that it came with; prints what it saw. */
#include "truth.h"
#include <sys/resource.h>

static void limit(int resource, rlim_t value)
{
    struct rlimit small = {value, value};
    truth_require(setrlimit(resource, &small) == 0);
}

static void limit_by_name(const char *name)
{
    if (strcmp(name, "fsize") == 0)
        limit(RLIMIT_FSIZE, 4096);
    else if (strcmp(name, "as") == 0)
        limit(RLIMIT_AS, (rlim_t)256 << 20);
    else if (strcmp(name, "data") == 0)
        limit(RLIMIT_DATA, (rlim_t)64 << 20);
    else if (strcmp(name, "nofile") == 0)
        limit(RLIMIT_NOFILE, 3);
    else
        truth_require(strcmp(name, "inherited") == 0);
}

/* The depth gives each call a stack of its own. */
static size_t work(size_t depth)
{
    for (size_t i = 0; i < 50; i++) {
        void *volatile block = malloc(i * depth);
        truth_require(block != NULL);
        free(block);
    }
    return depth == 0 ? 0 : 1 + work(depth - 1);
}

/* Until the limit says no: only an allocator that knows how to refuse comes back from here. */
static size_t blocks_until_refused(size_t most)
{
    size_t count = 0;
    while (count < most && malloc(1 << 20) != NULL)
        count++;
    return count;
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    limit_by_name(argv[1]);
    truth_require(work(180) == 180);
    size_t blocks = 0;
    if (strcmp(argv[1], "as") == 0 || strcmp(argv[1], "data") == 0)
        blocks = blocks_until_refused(1000);
    truth_write(1, "worked on%s\n", blocks == 1000 ? ", never refused" : "");
    return 0;
}
