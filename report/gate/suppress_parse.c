#include "leaks/leak_record.h"
#include "suppress.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More is no suppression file. */
#define SUPPRESS_FILE_MAX ((size_t)64 << 20)

struct suppress_reader {
    struct suppress *suppress;
    const char *file;
    const char *at;
    const char *end;
    unsigned number; /* of the line at hand */
    char *line;      /* without white space around it */
    char *message;
    size_t message_size;
};

static int reader_fail(const struct suppress_reader *reader, const char *what)
{
    snprintf(reader->message, reader->message_size, "%s:%u: %s", reader->file, reader->number,
             what);
    return -EBADMSG;
}

/* The next line with something on it; NULL at the end. A NUL ends a line's text, as it would in C. */
static int reader_next(struct suppress_reader *reader)
{
    free(reader->line);
    reader->line = NULL;
    while (reader->at < reader->end) {
        const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
        const char *end = newline != NULL ? newline : reader->end;
        const char *begin = reader->at;
        reader->at = newline != NULL ? newline + 1 : reader->end;
        reader->number++;
        while (begin < end && isspace((unsigned char)*begin))
            begin++;
        while (end > begin && isspace((unsigned char)end[-1]))
            end--;
        if (begin == end || *begin == '#' || *begin == '\0')
            continue;
        reader->line = strndup(begin, (size_t)(end - begin));
        return reader->line != NULL ? 0 : -ENOMEM;
    }
    return 0;
}

static bool has_prefix(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

static void entry_free(struct suppress_entry *entry)
{
    for (size_t i = 0; i < entry->line_count; i++)
        free(entry->lines[i].pattern);
    free(entry->lines);
    free(entry->name);
}

/* Valgrind takes "pthread_create@@GLIBC_2.34" from some symbol tables: our names have no versions. */
static void drop_version(const struct suppress_line *line)
{
    char *version = line->what == SUPPRESS_FUNCTION ? strchr(line->pattern, '@') : NULL;
    if (version != NULL && strspn(line->pattern, "*?") < (size_t)(version - line->pattern))
        *version = '\0';
}

static int entry_add_line(struct suppress_entry *entry, enum suppress_what what,
                          const char *pattern)
{
    struct suppress_line *lines =
        reallocarray(entry->lines, entry->line_count + 1, sizeof lines[0]);
    if (lines == NULL)
        return -ENOMEM;
    entry->lines = lines;
    lines[entry->line_count].what = what;
    lines[entry->line_count].pattern = pattern != NULL ? strdup(pattern) : NULL;
    if (pattern != NULL && lines[entry->line_count].pattern == NULL)
        return -ENOMEM;
    drop_version(&entry->lines[entry->line_count++]);
    return 0;
}

/* Takes over what the entry holds. */
static int suppress_add(struct suppress *suppress, const struct suppress_entry *entry)
{
    struct suppress_entry *entries =
        reallocarray(suppress->entries, suppress->count + 1, sizeof entries[0]);
    if (entries == NULL)
        return -ENOMEM;
    suppress->entries = entries;
    entries[suppress->count++] = *entry;
    return 0;
}

static int parse_frame(struct suppress_reader *reader, struct suppress_entry *entry)
{
    static const struct {
        const char *prefix;
        enum suppress_what what;
    } marks[] = {
        {"fun:", SUPPRESS_FUNCTION},
        {"obj:", SUPPRESS_OBJECT},
        {"src:", SUPPRESS_SOURCE},
    };
    if (strcmp(reader->line, "...") == 0)
        return entry_add_line(entry, SUPPRESS_ANY, NULL);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!has_prefix(reader->line, marks[i].prefix))
            continue;
        const char *pattern = reader->line + strlen(marks[i].prefix);
        while (isspace((unsigned char)*pattern))
            pattern++;
        return *pattern != '\0' ? entry_add_line(entry, marks[i].what, pattern)
                                : reader_fail(reader, "a name or pattern must follow");
    }
    return reader_fail(reader, "must be fun:NAME, obj:FILE, src:FILE or ...");
}

static int parse_kinds(struct suppress_reader *reader, struct suppress_entry *entry)
{
    char *words = reader->line + strlen("match-leak-kinds:");
    char *to = words;
    for (char *from = words; *from != '\0'; from++) {
        if (!isspace((unsigned char)*from))
            *to++ = *from;
    }
    *to = '\0';
    if (leak_kinds_parse(words, &entry->kinds))
        return 0;
    return reader_fail(reader, "match-leak-kinds: must be some of definite, indirect, possible and "
                               "reachable with commas between, all, or none");
}

static int check_entry(struct suppress_reader *reader, const struct suppress_entry *entry)
{
    for (size_t i = 0; i < entry->line_count; i++) {
        if (entry->lines[i].what != SUPPRESS_ANY)
            return 0;
    }
    return reader_fail(reader, "the entry needs a fun:, obj: or src: line");
}

/* From behind the line with the kind to the closing brace. */
static int parse_frames(struct suppress_reader *reader, struct suppress_entry *entry)
{
    for (;;) {
        int error = reader_next(reader);
        if (error != 0)
            return error;
        if (reader->line == NULL)
            return reader_fail(reader, "the file ends within an entry; a } is missing");
        if (strcmp(reader->line, "}") == 0)
            return check_entry(reader, entry);
        if (has_prefix(reader->line, "match-leak-kinds:") && entry->line_count == 0)
            error = parse_kinds(reader, entry);
        else
            error = parse_frame(reader, entry);
        if (error != 0)
            return error;
    }
}

/* "Memcheck,Addrcheck:Leak": is it about Memcheck's leaks? -EBADMSG if it is of another form. */
static int parse_tools(struct suppress_reader *reader, bool *ours)
{
    const char *colon = strchr(reader->line, ':');
    if (colon == NULL || colon == reader->line || colon[1] == '\0')
        return reader_fail(reader, "must be TOOL:KIND, for example Memcheck:Leak");
    *ours = false;
    for (const char *tool = reader->line; tool < colon; tool += strcspn(tool, ",:") + 1)
        *ours |= has_prefix(tool, "Memcheck") && strchr(",:", tool[strlen("Memcheck")]) != NULL;
    if (strcmp(colon + 1, "Leak") == 0)
        return 0;
    if (*ours && strcasestr(colon + 1, "leak") != NULL)
        return reader_fail(reader, "the kind of a leak is Leak, in this spelling");
    *ours = false;
    return 0;
}

static int skip_entry(struct suppress_reader *reader)
{
    reader->suppress->skipped++;
    for (;;) {
        int error = reader_next(reader);
        if (error != 0)
            return error;
        if (reader->line == NULL)
            return reader_fail(reader, "the file ends within an entry; a } is missing");
        if (strcmp(reader->line, "}") == 0)
            return 0;
    }
}

/* The next line, which must be there. */
static int reader_need(struct suppress_reader *reader, const char *what)
{
    int error = reader_next(reader);
    if (error == 0 && (reader->line == NULL || strcmp(reader->line, "}") == 0))
        return reader_fail(reader, what);
    return error;
}

static int parse_entry_into(struct suppress_reader *reader, struct suppress_entry *entry,
                            bool *ours)
{
    int error = reader_need(reader, "a name must follow the {");
    if (error != 0)
        return error;
    entry->name = strdup(reader->line);
    if (entry->name == NULL)
        return -ENOMEM;
    error = reader_need(reader, "TOOL:KIND must follow the name, for example Memcheck:Leak");
    if (error == 0)
        error = parse_tools(reader, ours);
    if (error != 0)
        return error;
    return *ours ? parse_frames(reader, entry) : skip_entry(reader);
}

static int parse_entry(struct suppress_reader *reader)
{
    struct suppress_entry entry = {.file = reader->file, .line = reader->number};
    bool ours = false;
    leak_kinds_parse("all", &entry.kinds);
    int error = parse_entry_into(reader, &entry, &ours);
    if (error == 0 && ours)
        error = suppress_add(reader->suppress, &entry);
    if (error != 0 || !ours)
        entry_free(&entry);
    return error;
}

static int parse_leak(struct suppress_reader *reader)
{
    struct suppress_entry entry = {.file = reader->file, .line = reader->number};
    const char *pattern = reader->line + strlen("leak:");
    if (*pattern == '\0')
        return reader_fail(reader, "a pattern must follow leak:");
    leak_kinds_parse("all", &entry.kinds);
    entry.name = strdup(reader->line);
    int error = entry.name != NULL ? entry_add_line(&entry, SUPPRESS_LEAK, pattern) : -ENOMEM;
    if (error == 0)
        error = suppress_add(reader->suppress, &entry);
    if (error != 0)
        entry_free(&entry);
    return error;
}

/* What the other sanitizers call theirs (address, thread, undefined behaviour, memory). */
static bool is_other_sanitizer(const char *line)
{
    static const char *const kinds[] = {
        "race:",
        "race_top:",
        "mutex:",
        "thread:",
        "signal:",
        "deadlock:",
        "called_from_lib:",
        "interceptor_name:",
        "interceptor_via_fun:",
        "interceptor_via_lib:",
        "odr_violation:",
        "alloc_dealloc_mismatch:",
        "vptr_check:",
        "src:",
        "fun:",
        "type:",
        "undefined:",
        "signed-integer-overflow:",
        "unsigned-integer-overflow:",
        "alignment:",
        "bounds:",
        "null:",
        "float-cast-overflow:",
        "function:",
        "shift:",
        "enum:",
        "bool:",
        "vptr:",
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (has_prefix(line, kinds[i]))
            return true;
    }
    return false;
}

static int parse_all(struct suppress_reader *reader)
{
    for (;;) {
        int error = reader_next(reader);
        if (error != 0 || reader->line == NULL)
            return error;
        if (strcmp(reader->line, "{") == 0)
            error = parse_entry(reader);
        else if (has_prefix(reader->line, "leak:"))
            error = parse_leak(reader);
        else if (is_other_sanitizer(reader->line))
            reader->suppress->skipped++;
        else
            error = reader_fail(reader, "must be { of a Valgrind entry, leak:PATTERN or a comment");
        if (error != 0)
            return error;
    }
}

static const char *suppress_keep_name(struct suppress *suppress, const char *name)
{
    char **files = reallocarray(suppress->files, suppress->file_count + 1, sizeof files[0]);
    if (files == NULL)
        return NULL;
    suppress->files = files;
    files[suppress->file_count] = strdup(name);
    return files[suppress->file_count] != NULL ? files[suppress->file_count++] : NULL;
}

int suppress_parse(struct suppress *suppress, const char *name, const char *text, size_t length,
                   char *message, size_t message_size)
{
    struct suppress_reader reader = {
        .suppress = suppress,
        .file = suppress_keep_name(suppress, name),
        .at = text,
        .end = text + length,
        .message = message,
        .message_size = message_size,
    };
    int error = reader.file != NULL ? parse_all(&reader) : -ENOMEM;
    free(reader.line);
    if (error == -ENOMEM)
        snprintf(message, message_size, "%s: out of memory", name);
    return error;
}

static int load_fail(const char *path, int error, char *message, size_t message_size)
{
    errno = error;
    snprintf(message, message_size, "%s: %m", path);
    return -error;
}

int suppress_load(struct suppress *suppress, const char *path, char *message, size_t message_size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return load_fail(path, errno, message, message_size);
    struct stat status;
    char *text = NULL;
    size_t length = 0;
    int error = 0;
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size > SUPPRESS_FILE_MAX)
        error = load_fail(path, EINVAL, message, message_size);
    if (error == 0 && (text = malloc((size_t)status.st_size + 1)) == NULL)
        error = load_fail(path, ENOMEM, message, message_size);
    if (error == 0) {
        length = fread(text, 1, (size_t)status.st_size, file);
        if (ferror(file))
            error = load_fail(path, EIO, message, message_size);
    }
    fclose(file);
    if (error == 0)
        error = suppress_parse(suppress, path, text, length, message, message_size);
    free(text);
    return error;
}

void suppress_free(struct suppress *suppress)
{
    for (size_t i = 0; i < suppress->count; i++)
        entry_free(&suppress->entries[i]);
    for (size_t i = 0; i < suppress->file_count; i++)
        free(suppress->files[i]);
    free(suppress->entries);
    free(suppress->files);
    object_paths_free(&suppress->paths);
    *suppress = (struct suppress){0};
}
