#include "child.h"

#include <stdlib.h>
#include <sys/wait.h>

int child_run(void (*work)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        work();
        _exit(0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *child_folder(void)
{
    static char path[4096];
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/memtrack-unit.XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(path);
}
