#include "hook/spawn.h"
#include "base/compiler.h"
#include "base/real.h"
#include "hook/follow.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

MT_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attributes, char *const argv[],
                          char *const envp[]);
MT_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attributes, char *const argv[],
                           char *const envp[]);
MT_EXPORT int system(const char *command);
MT_EXPORT FILE *popen(const char *command, const char *mode);

static struct {
    int (*spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                 const posix_spawnattr_t *, char *const[], char *const[]);
    int (*spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                  const posix_spawnattr_t *, char *const[], char *const[]);
    int (*system)(const char *);
    FILE *(*popen)(const char *, const char *);
} spawn_real; /* written by spawn_start */

void spawn_start(void)
{
    real_take(&spawn_real.spawn, "posix_spawn");
    real_take(&spawn_real.spawnp, "posix_spawnp");
    real_take(&spawn_real.system, "system");
    real_take(&spawn_real.popen, "popen");
}

/* A library's constructor may come before ours. */
#define SPAWN_FIND(function)                                                                       \
    do {                                                                                           \
        if (MT_UNLIKELY(spawn_real.function == NULL))                                              \
            spawn_start();                                                                         \
    } while (0)

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    SPAWN_FIND(spawn);
    if (spawn_real.spawn == NULL)
        return ENOSYS;
    return spawn_real.spawn(pid, path, actions, attributes, argv, FOLLOW(envp));
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    SPAWN_FIND(spawnp);
    if (spawn_real.spawnp == NULL)
        return ENOSYS;
    return spawn_real.spawnp(pid, file, actions, attributes, argv, FOLLOW(envp));
}

/* Whoever replaced `environ` meanwhile has the last word. */
static void spawn_restore(char **replaced, char **by)
{
    if (environ == by)
        environ = replaced;
}

static int spawn_system(const char *command, size_t bytes)
{
    char **given = environ, **changed = follow_fill(alloca(bytes), given);
    environ = changed;
    int result = spawn_real.system(command);
    spawn_restore(given, changed);
    return result;
}

/* Nothing to change is the rule: then the call is a jump, and no frame of ours stands in the stacks of what
   popen allocates. */
int system(const char *command)
{
    SPAWN_FIND(system);
    if (spawn_real.system == NULL) {
        errno = ENOSYS;
        return -1;
    }
    size_t bytes = follow_room(environ);
    if (bytes == 0 || command == NULL)
        return spawn_real.system(command);
    return spawn_system(command, bytes);
}

static FILE *spawn_popen(const char *command, const char *mode, size_t bytes)
{
    char **given = environ, **changed = follow_fill(alloca(bytes), given);
    environ = changed;
    FILE *result = spawn_real.popen(command, mode);
    spawn_restore(given, changed);
    return result;
}

FILE *popen(const char *command, const char *mode)
{
    SPAWN_FIND(popen);
    if (spawn_real.popen == NULL) {
        errno = ENOSYS;
        return NULL;
    }
    size_t bytes = follow_room(environ);
    if (bytes == 0)
        return spawn_real.popen(command, mode);
    return spawn_popen(command, mode, bytes);
}
