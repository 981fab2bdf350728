#include "map/smaps.h"
#include "base/heap.h"
#include "base/sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define SMAPS_BUFFER (32u << 10) /* more than a line: a path has 4096 bytes, some of them escaped */
#define SMAPS_STATUS 4096

struct smaps_reader {
    struct smaps_entry entry; /* complete when the next one begins */
    bool (*visit)(const struct smaps_entry *entry, void *context);
    void *context;
    bool begun;
    bool stopped;
    char path[4096];
};

static const char *smaps_hex(const char *at, uint64_t *number)
{
    *number = 0;
    for (;; at++) {
        if (*at >= '0' && *at <= '9')
            *number = *number << 4 | (uint64_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            *number = *number << 4 | (uint64_t)(*at - 'a' + 10);
        else
            return at;
    }
}

static uint64_t smaps_kilobytes(const char *at)
{
    uint64_t number = 0;
    while (*at == ' ' || *at == '\t')
        at++;
    for (; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number << 10;
}

static void smaps_finish(struct smaps_reader *reader)
{
    if (reader->begun && !reader->stopped)
        reader->stopped = !reader->visit(&reader->entry, reader->context);
    reader->begun = false;
}

/* "start-end rwxp offset device inode   path" */
static void smaps_begin(struct smaps_reader *reader, const char *line)
{
    struct smaps_entry *entry = &reader->entry;
    uint64_t start, end;
    smaps_finish(reader);
    memset(entry, 0, sizeof *entry);
    const char *at = smaps_hex(line, &start);
    at = smaps_hex(*at == '-' ? at + 1 : at, &end);
    for (at += *at == ' '; *at && *at != ' '; at++)
        entry->protection |= *at == 'r'   ? PROT_READ
                             : *at == 'w' ? PROT_WRITE
                             : *at == 'x' ? PROT_EXEC
                                          : 0;
    for (int field = 0; field < 3 && *at; field++) { /* offset, device, inode */
        for (at += *at == ' '; *at && *at != ' ';)
            at++;
    }
    while (*at == ' ')
        at++;
    entry->start = start;
    entry->end = end;
    entry->path_length = strnlen(at, sizeof reader->path);
    memcpy(reader->path, at, entry->path_length);
    entry->path = reader->path;
    reader->begun = end > start;
}

static bool smaps_is(const char *line, const char *name)
{
    return strncmp(line, name, strlen(name)) == 0;
}

/* The names of fields begin with a capital letter, addresses never do. */
static void smaps_line(struct smaps_reader *reader, const char *line)
{
    if ((line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f'))
        smaps_begin(reader, line);
    else if (smaps_is(line, "Rss:"))
        reader->entry.resident = smaps_kilobytes(line + 4);
    else if (smaps_is(line, "Private_Dirty:"))
        reader->entry.dirty = smaps_kilobytes(line + 14);
    else if (smaps_is(line, "Swap:"))
        reader->entry.swapped = smaps_kilobytes(line + 5);
}

/* Handles the complete lines in the buffer; how many bytes of an incomplete one are left, moved to its
   start. */
static size_t smaps_lines(struct smaps_reader *reader, char *buffer, size_t length)
{
    char *line = buffer;
    char *newline;
    while (!reader->stopped && (newline = memchr(line, '\n', length - (size_t)(line - buffer)))) {
        *newline = '\0';
        smaps_line(reader, line);
        line = newline + 1;
    }
    size_t left = length - (size_t)(line - buffer);
    memmove(buffer, line, left);
    return left;
}

static bool smaps_read(struct smaps_reader *reader, int fd, char *buffer)
{
    size_t left = 0;
    ssize_t got;
    while ((got = sys_read(fd, buffer + left, SMAPS_BUFFER - left)) > 0) {
        left = smaps_lines(reader, buffer, left + (size_t)got);
        if (reader->stopped || left == SMAPS_BUFFER)
            return false;
    }
    smaps_finish(reader);
    return got == 0 && !reader->stopped;
}

bool smaps_each(const char *file, bool (*visit)(const struct smaps_entry *entry, void *context),
                void *context)
{
    size_t size = sizeof(struct smaps_reader) + SMAPS_BUFFER;
    struct smaps_reader *reader = heap_alloc(size);
    if (reader == NULL)
        return false;
    reader->visit = visit;
    reader->context = context;
    int fd = sys_open(file, O_RDONLY, 0);
    bool complete = fd >= 0 && smaps_read(reader, fd, (char *)(reader + 1));
    if (fd >= 0)
        sys_close(fd);
    heap_free(reader, size);
    return complete;
}

uint64_t smaps_field(const char *file, const char *name)
{
    char text[SMAPS_STATUS];
    ssize_t length = sys_slurp(file, text, sizeof text - 1);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (smaps_is(line, name) && line[strlen(name)] == ':')
            return smaps_kilobytes(line + strlen(name) + 1);
    }
    return 0;
}
