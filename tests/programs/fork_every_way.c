/* usage: fork_every_way exit|_exit|quick_exit|abort|kill|quiet|exec FILE [fork|_Fork|clone|clone3]
   A child allocates, frees what it inherited, and ends in the given way; its own truth goes to
   FILE, the parent's to standard output. `quiet` allocates nothing at all in the child. */
#include "truth.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct truth counted;
static void *inherited[4];

static void before_fork(void)
{
    for (size_t i = 0; i < 4; i++)
        inherited[i] = truth_got(&counted, malloc(100 + i), 100 + i);
}

static void *volatile kept_by_child;

static void child_allocates(struct truth *truth)
{
    void *block = truth_got(truth, malloc(5000), 5000);
    free(block);
    truth_gone(truth, 5000);
    kept_by_child = truth_got(truth, malloc(60), 60);
}

static void child_says(const char *path, const struct truth *truth)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    truth_require(fd >= 0);
    truth_write(fd,
                "truth under child_allocates allocs=%" PRIu64 " frees=%" PRIu64
                " live_blocks=1 live_bytes=60\n",
                truth->allocs, truth->frees);
    truth_write(fd, "truth under before_fork allocs=0 live_blocks=0 inherited_blocks=2\n");
    close(fd);
}

static void end_by(const char *way)
{
    if (strcmp(way, "_exit") == 0)
        _exit(3);
    if (strcmp(way, "quick_exit") == 0)
        quick_exit(3);
    if (strcmp(way, "abort") == 0)
        abort();
    if (strcmp(way, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(way, "exec") == 0)
        execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
    exit(3);
}

static void child(const char *way, const char *path)
{
    struct truth truth = {0};
    if (strcmp(way, "quiet") == 0)
        _exit(3);
    child_allocates(&truth);
    free(inherited[0]);
    free(inherited[1]);
    child_says(path, &truth);
    end_by(way);
}

static void after_fork(void)
{
    free(inherited[3]);
    truth_gone(&counted, 103);
}

/* The ways that tell nobody of it: no handlers run. */
static pid_t fork_by(const char *how)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    if (strcmp(how, "_Fork") == 0)
        return _Fork();
    if (strcmp(how, "clone") == 0)
        return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (strcmp(how, "clone3") == 0)
        return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    return fork();
}

int main(int argc, char **argv)
{
    truth_require(argc == 3 || argc == 4);
    before_fork();
    pid_t pid = fork_by(argc == 4 ? argv[3] : "fork");
    truth_require(pid >= 0);
    if (pid == 0)
        child(argv[1], argv[2]);
    int status = 0;
    truth_require(waitpid(pid, &status, 0) == pid);
    truth_write(1, "child %d status %#x\n", (int)pid, (unsigned)status);
    after_fork();
    truth_write_all(&counted);
    truth_write(1, "truth under before_fork allocs=4 frees=1 live_blocks=3 inherited_blocks=0\n");
    return 0;
}
