#include "base/say.h"
#include "base/decimal.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define SAY_HIGH_FD 1000 /* see store/disk.c: not among the numbers that the host would get */

static struct sys_identity say_target; /* written by say_start */
static bool say_possible;              /* written by say_start */
static int say_spare = -1;             /* written by say_start and say_fork_child */

void say_start(void)
{
    say_possible = sys_identify(2, &say_target) == 0;
    if (say_possible && sys_is_file_or_terminal(2)) {
        long raised = SYS3(SYS_fcntl, 2, F_DUPFD_CLOEXEC, SAY_HIGH_FD);
        say_spare = raised < 0 ? -1 : (int)raised;
    }
}

static bool say_is_target(int fd)
{
    struct sys_identity now;
    return fd >= 0 && sys_identify(fd, &now) == 0 && now.device == say_target.device &&
           now.inode == say_target.inode;
}

void say_fork_child(void)
{
    if (say_is_target(say_spare))
        sys_close(say_spare);
    say_spare = -1;
}

void say_begin(struct say_line *line)
{
    line->length = 0;
    say_text(line, "memtrack: ");
}

static void say_bytes(struct say_line *line, const char *bytes, size_t length)
{
    size_t room = SAY_LINE_MAX - 1 - line->length; /* the newline always fits */
    if (length > room)
        length = room;
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

void say_text(struct say_line *line, const char *text)
{
    say_bytes(line, text, strlen(text));
}

void say_quoted(struct say_line *line, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        say_bytes(line, c < 32 || c == 127 ? "?" : &text[i], 1);
    }
}

void say_number(struct say_line *line, uint64_t number)
{
    char digits[DECIMAL_MAX];
    const char *first = decimal_of(number, digits);
    say_bytes(line, first, (size_t)(digits + DECIMAL_MAX - first));
}

void say_count(struct say_line *line, uint64_t count, const char *noun)
{
    say_number(line, count);
    say_text(line, " ");
    say_text(line, noun);
    if (count != 1)
        say_text(line, "s");
}

void say_error(struct say_line *line, int negative_errno)
{
    switch (-negative_errno) {
    case ENOSPC:
        say_text(line, "no space left on the device");
        return;
    case EACCES:
    case EPERM:
        say_text(line, "permission denied");
        return;
    case ENOSYS: /* what sandboxes answer, man's among them */
        say_text(line, "a sandbox forbids it");
        return;
    case EROFS:
        say_text(line, "read-only file system");
        return;
    case ENOENT:
        say_text(line, "no such folder");
        return;
    case EFBIG:
        say_text(line, "larger than the file size limit (ulimit -f)");
        return;
    case EMFILE:
    case ENFILE:
        say_text(line, "too many open files");
        return;
    case EDQUOT:
        say_text(line, "disk quota exceeded");
        return;
    case ENAMETOOLONG:
        say_text(line, "file name too long");
        return;
    case ENOMEM:
        say_text(line, "out of memory");
        return;
    default:
        say_text(line, "error ");
        say_number(line, (uint64_t)-negative_errno);
    }
}

/* Descriptor 2, or the spare one where the host has closed or replaced it; -1 if both are gone. */
static int say_descriptor(void)
{
    if (!say_possible)
        return -1;
    if (say_is_target(2))
        return 2;
    return say_is_target(say_spare) ? say_spare : -1;
}

static bool say_would_block(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    struct timespec none = {0, 0};
    long ready = sys_call(SYS_ppoll, (long)&wait, 1, (long)&none, 0, 8, 0);
    return ready != 1 || !(wait.revents & POLLOUT);
}

#define SAY_SIGPIPE_BIT (1ul << (SIGPIPE - 1))

/* A write to a pipe that nobody reads raises SIGPIPE in this thread: blocked, then taken out. */
static void say_write(int fd, const char *bytes, size_t length)
{
    uint64_t block = SAY_SIGPIPE_BIT, before = 0, pending = 0;
    if (SYS4(SYS_rt_sigprocmask, SIG_BLOCK, &block, &before, 8) != 0)
        return;
    SYS2(SYS_rt_sigpending, &pending, 8);
    long wrote = SYS3(SYS_write, fd, bytes, length);
    if (wrote == -EPIPE && !(pending & SAY_SIGPIPE_BIT)) {
        struct timespec none = {0, 0};
        SYS4(SYS_rt_sigtimedwait, &block, 0, &none, 8);
    }
    SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, 8);
}

void say_end(struct say_line *line)
{
    line->bytes[line->length++] = '\n';
    int fd = say_descriptor();
    if (fd >= 0 && !say_would_block(fd))
        say_write(fd, line->bytes, line->length);
}

void say(const char *text)
{
    struct say_line line;
    say_begin(&line);
    say_text(&line, text);
    say_end(&line);
}
