/* usage: edits_environment EDIT WAY: changes its environment (clear, unset, other), then starts itself by
   exec, list, spawn, system or popen; the second image prints the environment that it got. */
#include "truth.h"
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static void edit(const char *how)
{
    if (strcmp(how, "clear") == 0)
        clearenv();
    if (strcmp(how, "unset") == 0)
        unsetenv("LD_PRELOAD");
    if (strcmp(how, "other") == 0)
        setenv("LD_PRELOAD", getenv("OTHER"), 1);
    truth_require(setenv("MINE", "mine", 1) == 0);
}

static void start_by(const char *way, char *self)
{
    char *arguments[] = {self, "second", NULL};
    char command[4096];
    pid_t child = 0;
    snprintf(command, sizeof command, "%s second", self);
    if (strcmp(way, "exec") == 0)
        execv(self, arguments);
    if (strcmp(way, "list") == 0)
        execle(self, self, "second", (char *)NULL, environ);
    if (strcmp(way, "system") == 0)
        truth_require(system(command) == 0);
    if (strcmp(way, "popen") == 0)
        truth_require(pclose(popen(command, "w")) == 0);
    if (strcmp(way, "spawn") == 0)
        truth_require(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0 &&
                      waitpid(child, NULL, 0) == child);
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        for (char **entry = environ; *entry; entry++)
            printf("%s\n", *entry);
        return 0;
    }
    truth_require(argc == 3);
    size_t before = strlen(argv[2]);
    edit(argv[1]);
    char **given = environ;
    start_by(argv[2], argv[0]);
    /* What the program sees of its own environment is what it made of it. */
    truth_require(environ == given && getenv("MINE") && strlen(argv[2]) == before);
    truth_require(strcmp(argv[1], "other") == 0 || getenv("LD_PRELOAD") == NULL ||
                  argv[1][0] == 'k');
    return 0;
}
