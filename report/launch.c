#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a shell reports for a program that a signal ended. */
#define LAUNCH_SIGNAL_EXIT 128

/* What a child must get back before it becomes the program. */
struct launch_saved {
    sigset_t mask;
    struct sigaction child_action;
};

/* Not handed on: what cannot be caught, faults of our own, and job control, for which the shell and
   the terminal address the whole process group. */
static const int launch_kept_signals[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,
                                          SIGILL,  SIGTRAP, SIGSYS,  SIGABRT, SIGTSTP,
                                          SIGTTIN, SIGTTOU, SIGCONT};

static void launch_signals(sigset_t *set)
{
    sigfillset(set);
    for (size_t i = 0; i < sizeof launch_kept_signals / sizeof *launch_kept_signals; i++)
        sigdelset(set, launch_kept_signals[i]);
}

/* Blocked signals are kept for us even where they are ignored (nohup), and the child, which
   inherits that, ignores what we hand on. An ignored SIGCHLD would take away the exit status. */
static void launch_hold_signals(struct launch_saved *saved, sigset_t *held)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    launch_signals(held);
    sigaction(SIGCHLD, &plain, &saved->child_action);
    pthread_sigmask(SIG_BLOCK, held, &saved->mask);
}

static void launch_release_signals(const struct launch_saved *saved, const sigset_t *held)
{
    const struct timespec now = {0};
    while (sigtimedwait(held, NULL, &now) > 0 || errno == EINTR)
        ;
    sigaction(SIGCHLD, &saved->child_action, NULL);
    pthread_sigmask(SIG_SETMASK, &saved->mask, NULL);
}

/* Did the kernel send this to our whole process group, so that the child has it already? */
static bool launch_reached_group(const siginfo_t *info)
{
    if (info->si_code != SI_KERNEL)
        return false;
    switch (info->si_signo) {
    case SIGINT:
    case SIGQUIT:
    case SIGWINCH:
        return true;
    case SIGHUP: /* a hang-up goes to the session's leader alone */
        return getsid(0) != getpid();
    default:
        return false;
    }
}

static void launch_hand_on(pid_t child, const siginfo_t *info)
{
    if (info->si_signo == SIGCHLD || info->si_pid == child || launch_reached_group(info))
        return;
    if (info->si_code == SI_QUEUE)
        sigqueue(child, info->si_signo, info->si_value);
    else
        kill(child, info->si_signo);
}

static void launch_wait(const sigset_t *held, struct launch *launch)
{
    siginfo_t info;
    pid_t ended;
    while ((ended = waitpid(launch->pid, &launch->wait_status, WNOHANG)) == 0) {
        if (sigwaitinfo(held, &info) > 0)
            launch_hand_on(launch->pid, &info);
    }
    if (ended < 0)
        launch->wait_status = 0;
}

/* Never returns; tells the parent through the pipe why the program could not be started. */
static void launch_become(char **argv, char **environment, const struct launch_saved *saved,
                          int pipe_end)
{
    sigaction(SIGCHLD, &saved->child_action, NULL);
    pthread_sigmask(SIG_SETMASK, &saved->mask, NULL);
    environ = environment;
    execvp(argv[0], argv);
    int error = errno;
    ssize_t written = write(pipe_end, &error, sizeof error);
    _exit(written == sizeof error ? 0 : 1);
}

static int launch_exec_error(int pipe_end)
{
    int error = 0;
    ssize_t length;
    do
        length = read(pipe_end, &error, sizeof error);
    while (length < 0 && errno == EINTR);
    return length == sizeof error ? error : 0;
}

int launch_program(char **argv, char **environment, struct launch *launch)
{
    struct launch_saved saved;
    sigset_t held;
    int ends[2];
    *launch = (struct launch){0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    launch_hold_signals(&saved, &held);
    launch->pid = fork();
    int error = launch->pid < 0 ? -errno : 0;
    if (launch->pid == 0)
        launch_become(argv, environment, &saved, ends[1]);
    close(ends[1]);
    if (launch->pid > 0) {
        launch->exec_error = launch_exec_error(ends[0]);
        launch_wait(&held, launch);
    }
    close(ends[0]);
    launch_release_signals(&saved, &held);
    return error;
}

static void launch_die_by(int number)
{
    const struct rlimit no_core = {0};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t set;
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* core_pattern may name a program, which has no limit */
    sigaction(number, &plain, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

int launch_mimic(int wait_status)
{
    if (!WIFSIGNALED(wait_status))
        return WEXITSTATUS(wait_status);
    launch_die_by(WTERMSIG(wait_status));
    return LAUNCH_SIGNAL_EXIT + WTERMSIG(wait_status);
}
