/* usage: changes_its_place WAY FOLDER: does what servers do at their start, as WAY names with commas between:
   chdir, chroot (both to FOLDER), drop (become nobody), close (every descriptor), fork (a daemon, twice, in a
   session of its own), umask, files (no more than what is open now). Then works in call sites that are new. */
#include "truth.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void *allocate_from(unsigned depth, size_t size)
{
    void *block = depth ? allocate_from(depth - 1, size) : malloc(size);
    __asm__ volatile("" : "+r"(block));
    return block;
}

/* Far more call sites than what the report's first extents hold. */
static void work_on(void)
{
    for (unsigned depth = 0; depth < 200; depth++)
        for (int i = 0; i < 10; i++)
            free(allocate_from(depth, 100));
}

static void *volatile kept;

static void keep(void)
{
    kept = malloc(77);
}

static void become_nobody(void)
{
    truth_require(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
}

static void become_daemon(void)
{
    for (int i = 0; i < 2; i++) {
        if (fork() != 0)
            _exit(0);
        truth_require(i == 1 || setsid() > 0);
    }
}

static void close_everything(void)
{
    for (int fd = 0; fd < 4096; fd++)
        close(fd);
    truth_require(open("/dev/null", O_RDWR) == 0 && dup(0) == 1 && dup(0) == 2);
}

static void change(const char *what, const char *folder)
{
    const struct rlimit few = {3, 3};
    if (strcmp(what, "chdir") == 0)
        truth_require(chdir(folder) == 0);
    if (strcmp(what, "chroot") == 0)
        truth_require(chroot(folder) == 0 && chdir("/") == 0);
    if (strcmp(what, "drop") == 0)
        become_nobody();
    if (strcmp(what, "close") == 0)
        close_everything();
    if (strcmp(what, "fork") == 0)
        become_daemon();
    if (strcmp(what, "umask") == 0)
        umask(0777);
    if (strcmp(what, "files") == 0)
        truth_require(setrlimit(RLIMIT_NOFILE, &few) == 0);
}

int main(int argc, char **argv)
{
    truth_require(argc == 3);
    keep();
    for (char *what = strtok(argv[1], ","); what; what = strtok(NULL, ","))
        change(what, argv[2]);
    work_on();
    return 0;
}
