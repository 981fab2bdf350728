/* usage: exec_every_way WAY: leaks, then goes on as another image of itself, by each of libc's
   functions; `failed` tries an image that is not there and goes on as it was. */
#include "truth.h"
#include <errno.h>
#include <fcntl.h>

extern char **environ;
static void *volatile kept;

static void before_exec(void)
{
    kept = malloc(111);
}

static void after_exec(void)
{
    kept = malloc(222);
}

static void failed(char **arguments)
{
    execve("/nowhere/at/all", arguments, environ);
    truth_require(errno == ENOENT);
    execlp("no-such-program-anywhere", "no", (char *)NULL);
    truth_require(errno == ENOENT);
}

static void go_on_by(const char *way, const char *self)
{
    char *arguments[] = {(char *)(uintptr_t)self, "second", NULL};
    if (strcmp(way, "execve") == 0)
        execve(self, arguments, environ);
    if (strcmp(way, "execv") == 0)
        execv(self, arguments);
    if (strcmp(way, "execvp") == 0)
        execvp(self, arguments);
    if (strcmp(way, "execvpe") == 0)
        execvpe(self, arguments, environ);
    if (strcmp(way, "execl") == 0)
        execl(self, self, "second", (char *)NULL);
    if (strcmp(way, "execlp") == 0)
        execlp(self, self, "second", (char *)NULL);
    if (strcmp(way, "execle") == 0)
        execle(self, self, "second", (char *)NULL, environ);
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    if (strcmp(way, "fexecve") == 0)
        fexecve(fd, arguments, environ);
    if (strcmp(way, "execveat") == 0)
        execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
    if (strcmp(way, "failed") == 0)
        failed(arguments);
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    if (strcmp(argv[1], "second") == 0) {
        after_exec();
        truth_write(1, "truth all allocs=1 frees=0 live_blocks=1 live_bytes=222\n");
        return 0;
    }
    before_exec();
    go_on_by(argv[1], "/proc/self/exe");
    truth_require(strcmp(argv[1], "failed") == 0);
    after_exec();
    truth_write(1, "truth under before_exec live_blocks=1 live_bytes=111\n");
    truth_write(1, "truth under after_exec live_blocks=1 live_bytes=222\n");
    return 0;
}
