#include "gate.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gate_file {
    struct gate *gate;
    const char *path;
    char *folder; /* of the file; NULL: the current one */
    char *message;
    size_t message_size;
    int error;
    FILE *stream;
    bool cut; /* a line did not fit into the library's buffer */
};

/* The library cuts longer names of sections without a word. */
#define GATE_SECTION_MAX 49

static int file_fail(struct gate_file *file, const char *what)
{
    snprintf(file->message, file->message_size, "%s", what);
    return -EINVAL;
}

/* A line for the library, which would take the rest of a long one for the next. */
static char *file_line(char *line, int size, void *context)
{
    struct gate_file *file = context;
    char *read = file->cut ? NULL : fgets(line, size, file->stream);
    if (read != NULL && strlen(line) == (size_t)size - 1 && line[size - 2] != '\n')
        file->cut = true;
    return read;
}

/* [site PATTERN] with one limit on each line: the same as --site 'PATTERN: name=limit'. */
static int file_set_site(struct gate_file *file, const char *pattern, const char *name,
                         const char *value)
{
    char *rule;
    if (asprintf(&rule, "%s: %s=%s", pattern, name, value) < 0)
        return -ENOMEM;
    int error = gate_set(file->gate, "site", rule, NULL, file->message, file->message_size);
    free(rule);
    return error;
}

/* The library goes on behind a setting that was refused: the first one is the one to tell. */
static int file_set(void *context, const char *section, const char *name, const char *value)
{
    struct gate_file *file = context;
    if (file->error != 0)
        return 1;
    if (strlen(section) >= GATE_SECTION_MAX) {
        file->error =
            file_fail(file, "the section's name is too long; write site = PATTERN: limits "
                            "in [check]");
    } else if (strncmp(section, "site ", 5) == 0) {
        file->error = file_set_site(file, section + 5, name, value);
    } else if (strcmp(section, "check") == 0) {
        file->error =
            gate_set(file->gate, name, value, file->folder, file->message, file->message_size);
    } else {
        snprintf(file->message, file->message_size, "[%s]: sections are [check] and [site PATTERN]",
                 section);
        file->error = -EINVAL;
    }
    return file->error == 0;
}

static int file_done(struct gate_file *file, int line)
{
    char *what = strdup(file->message);
    if (file->cut)
        snprintf(file->message, file->message_size, "%s: has a line that is too long", file->path);
    else if (file->error != 0)
        snprintf(file->message, file->message_size, "%s:%d: %s", file->path, line,
                 what != NULL ? what : "");
    else
        snprintf(file->message, file->message_size,
                 "%s:%d: must be [SECTION], NAME = VALUE or a comment", file->path, line);
    free(what);
    return -EBADMSG;
}

int gate_read_file(struct gate *gate, const char *path, char *message, size_t message_size)
{
    const char *slash = strrchr(path, '/');
    struct gate_file file = {
        .gate = gate,
        .path = path,
        .message = message,
        .message_size = message_size,
        .stream = fopen(path, "re"),
    };
    if (file.stream == NULL) {
        snprintf(message, message_size, "%s: %s", path, strerrordesc_np(errno));
        return -errno;
    }
    *message = '\0';
    file.folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    int line = ini_parse_stream(file_line, &file, file_set, &file);
    fclose(file.stream);
    free(file.folder);
    return line == 0 && !file.cut ? 0 : file_done(&file, line);
}
