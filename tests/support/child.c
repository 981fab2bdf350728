#include "child.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

int child_run(void (*work)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        for (int number = 1; number < 32; number++)
            signal(number, SIG_DFL); /* cmocka would go on with the parent's tests */
        work();
        _exit(0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char child_path[3000];

const char *child_folder(void)
{
    const char *parent = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (child_path[0])
        return child_path;
    snprintf(child_path, sizeof child_path, "%s/memtrack-unit.XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(child_path);
}

const char *child_file(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", child_folder(), name);
    return path;
}

void child_folder_remove(void)
{
    DIR *folder = opendir(child_path);
    if (folder == NULL)
        return;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) /* NOLINT(concurrency-mt-unsafe): own DIR */
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(child_path);
    child_path[0] = '\0';
}
