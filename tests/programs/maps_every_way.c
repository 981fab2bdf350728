/* Every call that maps, with results, errno and sums as the manual pages have them. */
#include "truth.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>

#define PAGE 4096ul
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static struct truth mapped;

static char *map(size_t pages, int flags)
{
    char *got = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    truth_require(got != MAP_FAILED);
    return truth_got(&mapped, got, pages * PAGE);
}

/* A part of a mapping goes: its bytes, but not the mapping. */
static void unmap_part(char *at, size_t pages)
{
    truth_require(munmap(at, pages * PAGE) == 0);
    mapped.freed_bytes += pages * PAGE;
}

static void unmap(char *at, size_t pages)
{
    unmap_part(at, pages);
    mapped.frees++;
}

static void cut_in_pieces(void)
{
    char *whole = map(10, ANONYMOUS);
    unmap_part(whole, 1);
    unmap_part(whole + 9 * PAGE, 1);
    unmap_part(whole + 4 * PAGE, 2);
    unmap(whole + PAGE, 3);
    mapped.frees--; /* two pages are left */
    whole[6 * PAGE] = 1;
}

static void map_over(void)
{
    char *under = map(8, ANONYMOUS);
    char *over = mmap(under + 2 * PAGE, 3 * PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0);
    truth_require(over == under + 2 * PAGE);
    mapped.freed_bytes += 3 * PAGE;
    truth_got(&mapped, over, 3 * PAGE);
    truth_require(mmap(under, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
                  MAP_FAILED);
    truth_require(errno == EEXIST);
    mapped.failed++;
    truth_require(munmap(under, 8 * PAGE) == 0);
    mapped.freed_bytes += 8 * PAGE;
    mapped.frees += 2;
}

static void resize(void)
{
    char *small = map(4, ANONYMOUS);
    char *large = mremap(small, 4 * PAGE, 400 * PAGE, MREMAP_MAYMOVE);
    truth_require(large != MAP_FAILED);
    truth_moved(&mapped, large, 4 * PAGE, 400 * PAGE);
    char *place = map(2, ANONYMOUS);
    char *moved = mremap(large, 400 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    truth_require(moved == place);
    truth_gone(&mapped, 2 * PAGE); /* what was at the place */
    truth_moved(&mapped, moved, 400 * PAGE, 2 * PAGE);
    truth_require(mremap(moved + 7 * PAGE, PAGE, 2 * PAGE, 0x100) == MAP_FAILED && errno == EINVAL);
    mapped.failed++;
    char *twin = mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    truth_require(twin != MAP_FAILED);
    mapped.reallocs++;
    truth_got(&mapped, twin, 2 * PAGE);
    unmap(moved, 2);
    unmap(twin, 2);
}

static void double_shared(void)
{
    char *first = map(3, MAP_SHARED | MAP_ANONYMOUS);
    char *second = mremap(first, 0, 3 * PAGE, MREMAP_MAYMOVE);
    truth_require(second != MAP_FAILED);
    mapped.reallocs++;
    truth_got(&mapped, second, 3 * PAGE);
    first[5] = 7;
    truth_require(second[5] == 7);
    unmap(first, 3);
    unmap(second, 3);
}

static void attach(void)
{
    int id = shmget(IPC_PRIVATE, 5 * PAGE - 17, 0600);
    truth_require(id >= 0);
    char *at = shmat(id, NULL, 0);
    char *again = shmat(id, NULL, SHM_RDONLY);
    truth_require(at != (char *)-1 && again != (char *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
    truth_got(&mapped, at, 5 * PAGE);
    truth_got(&mapped, again, 5 * PAGE);
    truth_require(shmdt(at + PAGE) == -1 && errno == EINVAL);
    truth_require(shmdt(at) == 0);
    truth_gone(&mapped, 5 * PAGE);
    truth_require(shmat(-1, NULL, 0) == (void *)-1 && errno == EINVAL);
    mapped.failed++;
}

static void move_break(void)
{
    char *first = sbrk(1000);
    truth_require(first != (char *)-1 && sbrk(0) == first + 1000);
    truth_got(&mapped, first, 1000);
    truth_require(brk(first + 5000) == 0);
    truth_got(&mapped, first + 1000, 4000);
    truth_require(sbrk(-2000) == first + 5000);
    mapped.freed_bytes += 2000;
    truth_require(sbrk((intptr_t)1 << 46) == (void *)-1 && errno == ENOMEM);
    mapped.failed++;
}

static void be_refused(void)
{
    char *stands = map(1, ANONYMOUS);
    errno = 0;
    truth_require(mmap(NULL, 0, PROT_READ, ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    truth_require(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    truth_require(mmap(NULL, 1ul << 60, PROT_READ, ANONYMOUS, -1, 0) == MAP_FAILED &&
                  errno == ENOMEM);
    mapped.failed += 3;
    truth_require(munmap(stands + 1, PAGE) == -1 && errno == EINVAL);
    truth_require(munmap(stands, 0) == -1 && errno == EINVAL);
    errno = 77;
    unmap(stands, 1);
    truth_require(errno == 77);
}

int main(void)
{
    cut_in_pieces();
    map_over();
    resize();
    double_shared();
    attach();
    move_break();
    be_refused();
    truth_write(1,
                "truth mappings allocs=%" PRIu64 " alloc_bytes=%" PRIu64 " frees=%" PRIu64
                " freed_bytes=%" PRIu64 " reallocs=%" PRIu64 " failed=%" PRIu64 "\n",
                mapped.allocs, mapped.alloc_bytes, mapped.frees, mapped.freed_bytes,
                mapped.reallocs, mapped.failed);
    return 0;
}
