#include "scan/space.h"
#include "base/heap.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SPACE_BUFFER                                                                               \
    (64u << 10) /* more than any line: a path is at most 4 KiB, with escapes 16 KiB */
#define SPACE_FIRST 256u

/* A cursor over a line that never leaves it. */
struct space_text {
    const char *at;
    const char *end;
};

static bool space_skip(struct space_text *text, char wanted)
{
    if (text->at == text->end || *text->at != wanted)
        return false;
    text->at++;
    return true;
}

static bool space_hex(struct space_text *text, uintptr_t *number)
{
    const char *first = text->at;
    uintptr_t value = 0;
    for (; text->at < text->end; text->at++) {
        char c = *text->at;
        unsigned digit = c >= 'a' ? (unsigned)c - 'a' + 10 : (unsigned)c - '0';
        if (digit > 15 || (c > '9' && c < 'a') || value >> 60)
            break;
        value = value << 4 | digit;
    }
    *number = value;
    return text->at > first;
}

/* Past a word and the blanks behind it. */
static void space_skip_word(struct space_text *text)
{
    while (text->at < text->end && *text->at != ' ')
        text->at++;
    while (text->at < text->end && *text->at == ' ')
        text->at++;
}

static bool space_begins(const struct space_text *text, const char *with)
{
    size_t length = strlen(with);
    return (size_t)(text->end - text->at) >= length && memcmp(text->at, with, length) == 0;
}

static bool space_permissions(struct space_text *text, uint32_t *flags)
{
    static const char letters[] = "rwxs";
    static const uint32_t bits[] = {SPACE_READ, SPACE_WRITE, SPACE_EXEC, SPACE_SHARED};
    for (unsigned i = 0; i < 4; i++, text->at++) {
        if (text->at == text->end)
            return false;
        if (*text->at == letters[i])
            *flags |= bits[i];
    }
    return true;
}

/* A device's memory is not read, but for /dev/zero and what lies in /dev/shm. */
static bool space_is_device(const struct space_text *path)
{
    if (space_begins(path, "/dev/"))
        return !space_begins(path, "/dev/zero") && !space_begins(path, "/dev/shm/");
    return space_begins(path, "anon_inode:") || space_begins(path, "/dmabuf:") ||
           space_begins(path, "socket:");
}

static uint32_t space_kind(const struct space_text *path)
{
    if (space_begins(path, "[stack]"))
        return SPACE_STACK;
    if (space_begins(path, "[heap]"))
        return SPACE_BREAK;
    if (space_begins(path, "[v") || space_begins(path, "[uprobes]"))
        return SPACE_UNTOLD;
    return space_is_device(path) ? SPACE_UNTOLD : 0;
}

bool space_parse(const char *line, uint32_t length, struct space_area *area)
{
    struct space_text text = {line, line + length};
    uintptr_t inode;
    area->flags = 0;
    if (!space_hex(&text, &area->start) || !space_skip(&text, '-') ||
        !space_hex(&text, &area->end) || !space_skip(&text, ' ') ||
        !space_permissions(&text, &area->flags) || area->start >= area->end)
        return false;
    space_skip(&text, ' ');
    space_skip_word(&text); /* offset */
    space_skip_word(&text); /* device */
    if (space_hex(&text, &inode) && inode != 0)
        area->flags |= SPACE_FILE;
    space_skip_word(&text);
    area->flags |= space_kind(&text);
    return true;
}

static bool space_grow(struct space *space)
{
    uint32_t room = space->room ? space->room * 2 : SPACE_FIRST;
    struct space_area *areas = heap_alloc((size_t)room * sizeof *areas);
    if (areas == NULL)
        return false;
    if (space->count)
        memcpy(areas, space->areas, space->count * sizeof *areas);
    heap_free(space->areas, (size_t)space->room * sizeof *areas);
    space->areas = areas;
    space->room = room;
    return true;
}

#define SPACE_ACCESS (SPACE_READ | SPACE_WRITE | SPACE_EXEC)

static bool space_add(struct space *space, struct space_area area)
{
    if (space->count == space->room && !space_grow(space))
        return false;
    if (space->count) {
        const struct space_area *before = &space->areas[space->count - 1];
        if (before->end > area.start)
            return true; /* changed while it was read: what came first stands */
        if (before->end == area.start && !(before->flags & SPACE_ACCESS))
            area.flags |= SPACE_GUARDED;
    }
    space->areas[space->count++] = area;
    return true;
}

/* Takes the whole lines; how many bytes they are, or -ENOMEM. */
static int space_take_lines(struct space *space, const char *bytes, uint32_t length)
{
    uint32_t taken = 0;
    for (uint32_t at = 0; at < length; at++) {
        if (bytes[at] != '\n')
            continue;
        struct space_area area;
        if (space_parse(bytes + taken, at - taken, &area) && !space_add(space, area))
            return -ENOMEM;
        taken = at + 1;
    }
    return (int)taken;
}

static int space_read_from(struct space *space, int fd, char *buffer)
{
    uint32_t held = 0;
    for (;;) {
        ssize_t got = sys_read(fd, buffer + held, SPACE_BUFFER - held);
        if (got <= 0)
            return (int)got;
        held += (uint32_t)got;
        int taken = space_take_lines(space, buffer, held);
        if (taken < 0)
            return taken;
        held -= (uint32_t)taken;
        memmove(buffer, buffer + taken, held);
    }
}

int space_read(struct space *space)
{
    *space = (struct space){.areas = NULL};
    /* The first thread has no memory any more once it has ended, which /proc/self would show. */
    int fd = sys_open("/proc/thread-self/maps", O_RDONLY, 0);
    if (fd < 0)
        return fd;
    char *buffer = heap_alloc(SPACE_BUFFER);
    int error = buffer ? space_read_from(space, fd, buffer) : -ENOMEM;
    heap_free(buffer, SPACE_BUFFER);
    sys_close(fd);
    if (error == 0 && space->count == 0)
        error = -ENODATA;
    if (error)
        space_drop(space);
    return error;
}

void space_drop(struct space *space)
{
    heap_free(space->areas, (size_t)space->room * sizeof *space->areas);
    *space = (struct space){.areas = NULL};
}

const struct space_area *space_at(struct space *space, uintptr_t address)
{
    uint32_t low = 0, high = space->count;
    if (space->newest < space->count) {
        const struct space_area *newest = &space->areas[space->newest];
        if (address >= newest->start && address < newest->end)
            return newest;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (space->areas[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == space->count || space->areas[low].start > address)
        return NULL;
    space->newest = low;
    return &space->areas[low];
}
