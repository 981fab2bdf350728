/* The descriptor numbers that a program gets, before and after it allocates: printed, and the same
   with and without memtrack. */
#include "truth.h"
#include <fcntl.h>
#include <sys/socket.h>

static void open_some(const char *when)
{
    int pair[2];
    int ends[2];
    int file = open("/dev/null", O_RDWR);
    truth_require(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    int copy = dup(1);
    int high = fcntl(1, F_DUPFD, 100);
    truth_write(1, "%s: open %d, pipe %d %d, socketpair %d %d, dup %d, from a hundred %d\n", when,
                file, ends[0], ends[1], pair[0], pair[1], copy, high);
    const int opened[] = {file, ends[0], ends[1], pair[0], pair[1], copy, high};
    for (size_t i = 0; i < sizeof opened / sizeof opened[0]; i++)
        close(opened[i]);
}

static void count_open(const char *when)
{
    int count = 0;
    for (int fd = 0; fd < 512; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    truth_write(1, "%s: %d descriptors below 512 are open\n", when, count);
}

static __attribute__((constructor)) void before_main(void)
{
    open_some("constructor");
}

int main(void)
{
    open_some("start");
    count_open("start");
    for (size_t i = 0; i < 200000; i++) {
        void *volatile block = malloc(i % 5000);
        free(block);
    }
    open_some("end");
    count_open("end");
    return 0;
}
