/* usage: maps_at_random SEED: random calls of mmap, munmap and mremap in one stretch of addresses, some of
   which the kernel refuses. Says at the end what /proc/self/maps has there, page by page. */
#include "truth.h"
#include <fcntl.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define PAGES 96ul
#define ARENA 0x200000000000ul /* where the kernel puts nothing by itself */
#define CALLS 3000

static int file;

static unsigned long pick(unsigned long below)
{
    return (unsigned long)random() % below;
}

static void map(char *at, size_t length)
{
    static const int kinds[] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS,
                                MAP_PRIVATE, MAP_SHARED};
    int flags = kinds[pick(4)] | (pick(4) ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    off_t offset = flags & MAP_ANONYMOUS ? 0 : (off_t)(pick(PAGES) * PAGE + (pick(20) == 0));
    void *got = mmap(at, length - pick(100), PROT_READ, flags, file, offset);
    truth_require(got == MAP_FAILED || got == at);
}

static void call(void)
{
    unsigned long page = pick(PAGES), most = PAGES - page < 12 ? PAGES - page : 12;
    char *at = (char *)ARENA + page * PAGE;
    char *to = (char *)ARENA + pick(PAGES - 12) * PAGE;
    size_t length = (1 + pick(most)) * PAGE;
    switch (pick(6)) {
    case 0:
        munmap(at + (pick(30) == 0), length);
        break;
    case 1:
        mremap(at, length, (1 + pick(12)) * PAGE, 0);
        break;
    case 2:
        mremap(at, length, (1 + pick(12)) * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
        break;
    case 3:
        mremap(at, pick(2) ? length : 0, length,
               MREMAP_MAYMOVE | MREMAP_FIXED | (pick(2) ? MREMAP_DONTUNMAP : 0), to);
        break;
    default:
        map(at, length);
    }
}

static void say_pages(void)
{
    char line[512];
    unsigned long start, end, offset, bound = ARENA + PAGES * PAGE;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        truth_require(sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3);
        int named = strstr(line, "random-file") != NULL;
        for (unsigned long at = start; at < end && start >= ARENA; at += PAGE) {
            if (at < bound)
                printf("page %lu %ld\n", at, named ? (long)(offset + (at - start)) : -1);
        }
    }
    fclose(maps);
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    srandom((unsigned)atoi(argv[1]));
    file = memfd_create("random-file", 0);
    truth_require(file >= 0 && ftruncate(file, (off_t)(4 * PAGES * PAGE)) == 0);
    void *bound = (char *)ARENA + PAGES * PAGE;
    truth_require(mmap(bound, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                  bound);
    for (int i = 0; i < CALLS; i++)
        call();
    munmap(bound, PAGE);
    say_pages();
    return 0;
}
