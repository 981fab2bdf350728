#include "base/say.h"
#include "base/sys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static struct sys_identity say_target; /* written by say_start */
static bool say_possible;              /* written by say_start */

void say_start(void)
{
    say_possible = sys_identify(2, &say_target) == 0;
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
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    say_bytes(line, digits + at, sizeof digits - at);
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

static bool say_is_same_target(void)
{
    struct sys_identity now;
    return say_possible && sys_identify(2, &now) == 0 && now.device == say_target.device &&
           now.inode == say_target.inode;
}

static bool say_would_block(void)
{
    struct pollfd wait = {.fd = 2, .events = POLLOUT};
    struct timespec none = {0, 0};
    long ready = sys_call(SYS_ppoll, (long)&wait, 1, (long)&none, 0, 8, 0);
    return ready != 1 || !(wait.revents & POLLOUT);
}

#define SAY_SIGPIPE_BIT (1ul << (SIGPIPE - 1))

/* A write to a pipe that nobody reads raises SIGPIPE in this thread: blocked, then taken out. */
static void say_write(const char *bytes, size_t length)
{
    uint64_t block = SAY_SIGPIPE_BIT, before = 0, pending = 0;
    if (SYS4(SYS_rt_sigprocmask, SIG_BLOCK, &block, &before, 8) != 0)
        return;
    SYS2(SYS_rt_sigpending, &pending, 8);
    long wrote = SYS3(SYS_write, 2, bytes, length);
    if (wrote == -EPIPE && !(pending & SAY_SIGPIPE_BIT)) {
        struct timespec none = {0, 0};
        SYS4(SYS_rt_sigtimedwait, &block, 0, &none, 8);
    }
    SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, 8);
}

void say_end(struct say_line *line)
{
    line->bytes[line->length++] = '\n';
    if (say_is_same_target() && !say_would_block())
        say_write(line->bytes, line->length);
}

void say(const char *text)
{
    struct say_line line;
    say_begin(&line);
    say_text(&line, text);
    say_end(&line);
}
