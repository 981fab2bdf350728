/* usage: closes_all_descriptors FILE: what daemons do. Closes every descriptor, opens files of its
   own, which get the lowest numbers, and goes on allocating; its truth goes to FILE, and nothing
   else may be written into any of its files. */
#include "truth.h"
#include <fcntl.h>
#include <sys/syscall.h>

static struct truth counted;
static void *volatile kept[1024];

static void allocate_for_a_while(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t slot = i % 1024;
        if (kept[slot] != NULL) {
            free(kept[slot]);
            truth_gone(&counted, 10 + slot);
        }
        kept[slot] = truth_got(&counted, malloc(10 + slot), 10 + slot);
    }
}

/* A stack of its own for each depth: the report's tables must grow after everything was closed. */
static size_t many_call_sites(size_t depth)
{
    free(truth_got(&counted, malloc(depth), depth));
    truth_gone(&counted, depth);
    return depth == 0 ? 0 : 1 + many_call_sites(depth - 1);
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    allocate_for_a_while(1000);
    truth_require(syscall(SYS_close_range, 0u, ~0u, 0u) == 0);
    for (int expected = 0; expected < 3; expected++)
        if (open(argv[1], O_RDWR | O_CREAT | O_APPEND, 0600) != expected)
            _exit(97);
    allocate_for_a_while(200000);
    truth_require(many_call_sites(200) == 200);
    truth_write_all(&counted);
    return 0;
}
