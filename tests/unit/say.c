/* Lines to people: only where standard error is still what it was, never a signal, never a wait. */
#include "base/say.h"
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define LINE "memtrack: hello\n"

/* Standard error is a new pipe from here on; its reading end. */
static int start_with_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], 2) != 2)
        _exit(98);
    close(ends[1]);
    say_start();
    return ends[0];
}

/* Standard error is a new file from here on; a descriptor to read it by. */
static int start_with_file(void)
{
    int fd = open(child_file("stderr"), O_RDWR | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, 2) != 2)
        _exit(98);
    say_start();
    return fd;
}

/* In these children standard error is not the terminal: the exit status alone tells. */
static void must(bool condition, int line)
{
    if (!condition)
        _exit(line % 90 + 1);
}
#define MUST(condition) must((condition), __LINE__)

static bool gives(int fd, const char *expected)
{
    char bytes[4096];
    ssize_t length = read(fd, bytes, sizeof bytes);
    return length == (ssize_t)strlen(expected) && memcmp(bytes, expected, (size_t)length) == 0;
}

static bool file_holds(int fd, const char *expected)
{
    char bytes[4096];
    ssize_t length = pread(fd, bytes, sizeof bytes, 0);
    return length == (ssize_t)strlen(expected) && memcmp(bytes, expected, (size_t)length) == 0;
}

static void say_everything(void)
{
    struct say_line line;
    int fd = start_with_pipe();
    say_begin(&line);
    say_number(&line, 0);
    say_text(&line, " ");
    say_number(&line, UINT64_MAX);
    say_text(&line, " ");
    say_count(&line, 1, "block");
    say_text(&line, " ");
    say_count(&line, 20, "block");
    say_text(&line, " ");
    say_quoted(&line, "a\nb\x1b[2J\x7f\xc3\xa9", 10);
    say_end(&line);
    MUST(gives(fd, "memtrack: 0 18446744073709551615 1 block 20 blocks a?b?[2J?\xc3\xa9\n"));
    errno = 77;
    say("hello");
    MUST(errno == 77 && gives(fd, LINE));
}

static void a_line_holds_what_was_put_into_it(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_everything), 0);
}

static void say_errors(void)
{
    static const struct {
        int error;
        const char *words;
    } cases[] = {{ENOSPC, "no space left on the device"},
                 {EACCES, "permission denied"},
                 {EFBIG, "larger than the file size limit (ulimit -f)"},
                 {EMFILE, "too many open files"},
                 {ENAMETOOLONG, "file name too long"},
                 {4000, "error 4000"}};
    int fd = start_with_pipe();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[100];
        struct say_line line;
        say_begin(&line);
        say_error(&line, -cases[i].error);
        say_end(&line);
        snprintf(expected, sizeof expected, "memtrack: %s\n", cases[i].words);
        MUST(gives(fd, expected));
    }
}

static void errors_are_said_in_words(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_errors), 0);
}

static void say_too_much(void)
{
    static char text[3 * SAY_LINE_MAX], got[2 * SAY_LINE_MAX];
    struct say_line line;
    int fd = start_with_pipe();
    memset(text, 'x', sizeof text - 1);
    say_begin(&line);
    say_text(&line, text);
    say_quoted(&line, text, 100);
    say_number(&line, 5);
    say_end(&line);
    MUST(read(fd, got, sizeof got) == SAY_LINE_MAX);
    MUST(got[SAY_LINE_MAX - 1] == '\n' && got[SAY_LINE_MAX - 2] == 'x');
}

static void a_longer_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_too_much), 0);
}

static void say_before_the_start(void)
{
    int ends[2];
    MUST(pipe(ends) == 0 && dup2(ends[1], 2) == 2);
    say("hello");
    close(2);
    say_start(); /* there is no standard error */
    MUST(dup2(ends[1], 2) == 2);
    say("hello");
    close(2);
    close(ends[1]);
    MUST(gives(ends[0], ""));
}

static void nothing_is_said_where_there_was_no_standard_error(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_before_the_start), 0);
}

static void close_and_replace_a_pipe(void)
{
    int other[2];
    int fd = start_with_pipe();
    MUST(pipe(other) == 0);
    close(2);
    say("hello");
    MUST(gives(fd, "")); /* and nobody keeps the pipe open */
    MUST(dup2(other[1], 2) == 2);
    say("hello");
    close(2);
    close(other[1]);
    MUST(gives(other[0], ""));
}

static void a_closed_or_replaced_pipe_gets_nothing(void **state)
{
    (void)state;
    assert_int_equal(child_run(close_and_replace_a_pipe), 0);
}

static void close_and_replace_a_file(void)
{
    int fd = start_with_file();
    close(2);
    say("hello");
    MUST(file_holds(fd, LINE));
    int other = open(child_file("other"), O_RDWR | O_CREAT, 0600);
    MUST(other == 2); /* the host's file got the free number */
    say("hello");
    MUST(file_holds(other, "") && file_holds(fd, LINE LINE));
    say_fork_child();
    say("hello");
    MUST(file_holds(other, "") && file_holds(fd, LINE LINE));
    MUST(dup2(fd, 2) == 2);
    say("hello");
    MUST(file_holds(fd, LINE LINE LINE));
    child_folder_remove();
}

static void a_file_gets_the_line_though_the_host_has_replaced_standard_error(void **state)
{
    (void)state;
    assert_int_equal(child_run(close_and_replace_a_file), 0);
}

static void count_descriptors_of_a_file(void)
{
    start_with_file();
    int next = dup(0);
    MUST(next >= 3 && next < 20); /* what the host gets is what it would get */
    int high = fcntl(0, F_DUPFD, 1000);
    MUST(fcntl(1000, F_GETFD) == FD_CLOEXEC && high == 1001);
    say_fork_child();
    MUST(fcntl(1000, F_GETFD) == -1);
    child_folder_remove();
}

static void its_own_descriptor_is_high_and_goes_in_a_child(void **state)
{
    (void)state;
    assert_int_equal(child_run(count_descriptors_of_a_file), 0);
}

static void say_into_a_full_pipe(void)
{
    static char page[4096], rest[1 << 20];
    int fd = start_with_pipe();
    fcntl(2, F_SETFL, O_NONBLOCK);
    while (write(2, page, sizeof page) > 0)
        continue;
    fcntl(2, F_SETFL, 0); /* a write would now wait for ever */
    alarm(20);
    say("hello");
    MUST(read(fd, page, sizeof page) == sizeof page);
    say("hello"); /* there is room again */
    ssize_t length = 0, got;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while ((got = read(fd, rest + length, sizeof rest - (size_t)length)) > 0)
        length += got;
    MUST(length % (ssize_t)sizeof page == (ssize_t)strlen(LINE)); /* one line, not two */
    MUST(memcmp(rest + length - strlen(LINE), LINE, strlen(LINE)) == 0);
}

static void a_full_pipe_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_into_a_full_pipe), 0);
}

static void say_to_nobody(int fd)
{
    sigset_t before, after, pending;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    close(fd);
    errno = 77;
    say("hello");
    MUST(errno == 77);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    sigpending(&pending);
    MUST(sigismember(&after, SIGPIPE) == sigismember(&before, SIGPIPE));
    MUST(!sigismember(&pending, SIGPIPE));
}

static void say_into_broken_pipes(void)
{
    int ends[2];
    sigset_t pipe_signal;
    say_to_nobody(start_with_pipe());
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    say_to_nobody(start_with_pipe());
    pthread_sigmask(SIG_UNBLOCK, &pipe_signal, NULL);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && dup2(ends[1], 2) == 2);
    close(ends[1]);
    say_start();
    say_to_nobody(ends[0]);
}

static void a_broken_pipe_raises_no_signal(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_into_broken_pipes), 0);
}

static void say_while_a_signal_waits(void)
{
    sigset_t pipe_signal, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    raise(SIGPIPE);
    close(start_with_pipe());
    say("hello");
    sigpending(&pending);
    MUST(sigismember(&pending, SIGPIPE));
}

static void the_hosts_own_waiting_sigpipe_is_kept(void **state)
{
    (void)state;
    assert_int_equal(child_run(say_while_a_signal_waits), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_holds_what_was_put_into_it),
        cmocka_unit_test(errors_are_said_in_words),
        cmocka_unit_test(a_longer_line_is_cut_and_still_ends),
        cmocka_unit_test(nothing_is_said_where_there_was_no_standard_error),
        cmocka_unit_test(a_closed_or_replaced_pipe_gets_nothing),
        cmocka_unit_test(a_file_gets_the_line_though_the_host_has_replaced_standard_error),
        cmocka_unit_test(its_own_descriptor_is_high_and_goes_in_a_child),
        cmocka_unit_test(a_full_pipe_is_not_waited_for),
        cmocka_unit_test(a_broken_pipe_raises_no_signal),
        cmocka_unit_test(the_hosts_own_waiting_sigpipe_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
