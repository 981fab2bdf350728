/* Creates a file, sizes it, maps it shared, writes through the mapping, flushes it and unmaps half; the file
   then has what was written. */
#include "truth.h"
#include <fcntl.h>
#include <sys/mman.h>

#define SIZE 65536ul

int main(void)
{
    char back[6] = "";
    int file = open("mapped-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    truth_require(file >= 0 && ftruncate(file, SIZE) == 0);
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    truth_require(memory != MAP_FAILED && close(file) == 0);
    memcpy(memory + 40000, "hello", 5);
    truth_require(msync(memory, SIZE, MS_SYNC) == 0);
    truth_require(munmap(memory, SIZE / 2) == 0);
    file = open("mapped-file", O_RDONLY);
    truth_require(pread(file, back, 5, 40000) == 5 && strcmp(back, "hello") == 0);
    truth_write(1,
                "truth mappings allocs=1 alloc_bytes=%lu frees=0 freed_bytes=%lu live_bytes=%lu "
                "peak_bytes=%lu\n",
                SIZE, SIZE / 2, SIZE / 2, SIZE);
    return 0;
}
