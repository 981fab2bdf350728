/* usage: stderr_is_replaced closed|file|pipe FILE: what becomes of standard error while it runs.
   Whatever takes the descriptor's number is the program's own. */
#include "truth.h"
#include <fcntl.h>
#include <signal.h>

static void *volatile kept;

int main(int argc, char **argv)
{
    truth_require(argc == 3);
    kept = malloc(99);
    close(2);
    if (strcmp(argv[1], "file") == 0)
        truth_require(open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600) == 2 &&
                      write(2, "mine\n", 5) == 5);
    if (strcmp(argv[1], "pipe") == 0) {
        int ends[2];
        int number = open("/dev/null", O_RDONLY);
        truth_require(number == 2 && pipe(ends) == 0 && dup2(ends[1], 2) == 2);
        close(ends[0]);
        close(ends[1]);
    }
    truth_write(1, "truth all allocs=1 live_blocks=1 live_bytes=99\n");
    return 0;
}
