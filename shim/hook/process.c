#include "hook/process.h"
#include "base/compiler.h"
#include "base/real.h"
#include "base/sys.h"
#include "hook/follow.h"
#include "start.h"

#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

MT_EXPORT void _exit(int status) __attribute__((noreturn));
MT_EXPORT void _Exit(int status) __attribute__((noreturn));
MT_EXPORT void abort(void) __attribute__((noreturn));
MT_EXPORT int execve(const char *path, char *const argv[], char *const envp[]);
MT_EXPORT int execv(const char *path, char *const argv[]);
MT_EXPORT int execvp(const char *file, char *const argv[]);
MT_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[]);
MT_EXPORT int fexecve(int fd, char *const argv[], char *const envp[]);
MT_EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);
MT_EXPORT int execl(const char *path, const char *argument, ...);
MT_EXPORT int execlp(const char *file, const char *argument, ...);
MT_EXPORT int execle(const char *path, const char *argument, ...);

static struct {
    void (*exit)(int);
    void (*exit_now)(int);
    void (*abort)(void);
    int (*execve)(const char *, char *const[], char *const[]);
    int (*execvpe)(const char *, char *const[], char *const[]);
    int (*fexecve)(int, char *const[], char *const[]);
    int (*execveat)(int, const char *, char *const[], char *const[], int);
} process_real; /* written by process_start */

void process_start(void)
{
    real_take(&process_real.exit, "exit");
    real_take(&process_real.exit_now, "_exit");
    real_take(&process_real.abort, "abort");
    real_take(&process_real.execve, "execve");
    real_take(&process_real.execvpe, "execvpe");
    real_take(&process_real.fexecve, "fexecve");
    real_take(&process_real.execveat, "execveat");
}

void process_exit_again(int status)
{
    if (process_real.exit)
        process_real.exit(status);
    process_exit_now(status);
}

void process_exit_now(int status)
{
    if (process_real.exit_now)
        process_real.exit_now(status);
    for (;;)
        SYS1(SYS_exit_group, status);
}

static void process_exit(int status)
{
    int code = start_end(MTF_END_UNDERSCORE_EXIT, true, status);
    process_exit_now(code ? code : status);
}

void _exit(int status)
{
    process_exit(status);
    __builtin_unreachable();
}

void _Exit(int status)
{
    process_exit(status);
    __builtin_unreachable();
}

void abort(void)
{
    start_leave(MTF_END_ABORT); /* a handler of SIGABRT may yet leave it by longjmp */
    if (process_real.abort)
        process_real.abort();
    __builtin_trap();
}

/* The call that does not come back, or does, with errno. */
#define PROCESS_EXEC(function, ...)                                                                \
    do {                                                                                           \
        if (process_real.function == NULL) {                                                       \
            errno = ENOSYS;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
        start_leave(MTF_END_EXEC);                                                                 \
        int result = process_real.function(__VA_ARGS__);                                           \
        start_return();                                                                            \
        return result;                                                                             \
    } while (0)

int execve(const char *path, char *const argv[], char *const envp[])
{
    PROCESS_EXEC(execve, path, argv, FOLLOW(envp));
}

int execv(const char *path, char *const argv[])
{
    PROCESS_EXEC(execve, path, argv, FOLLOW(environ));
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
    PROCESS_EXEC(execvpe, file, argv, FOLLOW(envp));
}

int execvp(const char *file, char *const argv[])
{
    PROCESS_EXEC(execvpe, file, argv, FOLLOW(environ));
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
    PROCESS_EXEC(fexecve, fd, argv, FOLLOW(envp));
}

int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
    PROCESS_EXEC(execveat, fd, path, argv, FOLLOW(envp), flags);
}

/* Arguments of the list forms up to their NULL, which is counted too. */
static size_t process_count(const char *first, va_list arguments)
{
    size_t count = 1;
    for (const char *next = first; next; next = va_arg(arguments, const char *))
        count++;
    return count;
}

/* Makes argv on the caller's stack, as libc does: exec may be called where malloc may not. */
#define PROCESS_LIST(argv, first, arguments)                                                       \
    do {                                                                                           \
        va_start(arguments, first);                                                                \
        size_t count = process_count(first, arguments);                                            \
        va_end(arguments);                                                                         \
        (argv) = alloca(count * sizeof *(argv));                                                   \
        va_start(arguments, first);                                                                \
        (argv)[0] = (char *)(uintptr_t)(first);                                                    \
        for (size_t i = 1; i < count; i++)                                                         \
            (argv)[i] = va_arg(arguments, char *);                                                 \
    } while (0)

int execl(const char *path, const char *argument, ...)
{
    va_list arguments;
    char **argv;
    PROCESS_LIST(argv, argument, arguments);
    va_end(arguments);
    return execve(path, argv, environ);
}

int execlp(const char *file, const char *argument, ...)
{
    va_list arguments;
    char **argv;
    PROCESS_LIST(argv, argument, arguments);
    va_end(arguments);
    return execvpe(file, argv, environ);
}

int execle(const char *path, const char *argument, ...)
{
    va_list arguments;
    char **argv;
    PROCESS_LIST(argv, argument, arguments);
    char *const *envp = va_arg(arguments, char *const *);
    va_end(arguments);
    return execve(path, argv, envp);
}
