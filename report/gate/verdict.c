#include "verdict.h"
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const finding_rule_names[FINDING_RULE_LIMIT] = {
    [FINDING_LEAK] = "leak",   [FINDING_PEAK] = "peak",           [FINDING_ALLOCS] = "allocs",
    [FINDING_TOTAL] = "total", [FINDING_TEMPORARY] = "temporary", [FINDING_SITE] = "site",
    [FINDING_NEW] = "new",     [FINDING_GROWN] = "grown",         [FINDING_SHRUNK] = "shrunk",
    [FINDING_GONE] = "gone",
};

const char *finding_rule_name(enum finding_rule rule)
{
    return finding_rule_names[rule];
}

/* Room for one more item; -ENOMEM leaves everything as it was. */
static int array_reserve(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return 0;
    size_t larger = 2 * *room + 16;
    void *moved = reallocarray(*items, larger, size);
    if (moved == NULL)
        return -ENOMEM;
    *items = moved;
    *room = larger;
    return 0;
}

struct finding *verdict_add(struct verdict *verdict, enum finding_rule rule)
{
    void *items = verdict->findings;
    if (array_reserve(&items, verdict->count, &verdict->room, sizeof verdict->findings[0]) != 0)
        return NULL;
    verdict->findings = items;
    struct finding *finding = &verdict->findings[verdict->count++];
    *finding = (struct finding){.rule = rule, .blames = true};
    return finding;
}

int finding_title(struct finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&finding->title, format, arguments);
    va_end(arguments);
    if (length < 0)
        finding->title = NULL;
    return length < 0 ? -ENOMEM : 0;
}

int finding_processes(struct finding *finding, const uint32_t *processes, size_t count)
{
    finding->processes = calloc(count + 1, sizeof processes[0]);
    if (finding->processes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        finding->processes[i] = processes[i];
    finding->process_count = count;
    return 0;
}

/* One argument, in quotes where a shell would need them. */
static void put_argument(FILE *out, const char *argument, size_t length)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_=+./,:@%";
    bool quote = length == 0 || strspn(argument, plain) < length;
    fprintf(out, "%s%.*s%s", quote ? "'" : "", (int)length, argument, quote ? "'" : "");
}

static char *command_of(const struct snapshot *snapshot)
{
    const struct snapshot_name *arguments = &snapshot->arguments;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    for (size_t at = 0; at < arguments->length;) {
        size_t length = strnlen(arguments->bytes + at, arguments->length - at);
        if (at > 0)
            fputc(' ', out);
        put_argument(out, arguments->bytes + at, length < 65536 ? length : 65536);
        at += length + 1;
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

int verdict_add_process(struct verdict *verdict, const char *path, const struct snapshot *snapshot,
                        uint32_t *index)
{
    void *items = verdict->processes;
    if (array_reserve(&items, verdict->process_count, &verdict->process_room,
                      sizeof verdict->processes[0]) != 0)
        return -ENOMEM;
    verdict->processes = items;
    struct verdict_process *process = &verdict->processes[verdict->process_count];
    *process = (struct verdict_process){
        .path = strdup(path),
        .program = strdup(snapshot != NULL ? snapshot->program.bytes : ""),
        .command = snapshot != NULL ? command_of(snapshot) : strdup(""),
        .pid = snapshot != NULL ? snapshot->pid : 0,
    };
    *index = (uint32_t)verdict->process_count++;
    return process->path != NULL && process->program != NULL && process->command != NULL ? 0
                                                                                         : -ENOMEM;
}

int process_unjudged(struct verdict_process *process, const char *format, ...)
{
    va_list arguments;
    if (process->unjudged != NULL)
        return 0;
    va_start(arguments, format);
    int length = vasprintf(&process->unjudged, format, arguments);
    va_end(arguments);
    if (length < 0)
        process->unjudged = NULL;
    return length < 0 ? -ENOMEM : 0;
}

int verdict_unjudged(struct verdict *verdict, const char *format, ...)
{
    va_list arguments;
    char *text;
    char **unjudged =
        reallocarray(verdict->unjudged, verdict->unjudged_count + 1, sizeof unjudged[0]);
    if (unjudged == NULL)
        return -ENOMEM;
    verdict->unjudged = unjudged;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -ENOMEM;
    unjudged[verdict->unjudged_count++] = text;
    return 0;
}

int verdict_append(struct verdict *verdict, struct verdict *part)
{
    size_t moved = 0;
    for (; moved < part->count; moved++) {
        struct finding *finding = verdict_add(verdict, FINDING_LEAK);
        if (finding == NULL)
            break;
        *finding = part->findings[moved];
    }
    bool whole = moved == part->count;
    if (!whole)
        memmove(part->findings, part->findings + moved,
                (part->count - moved) * sizeof part->findings[0]);
    part->count -= moved;
    return whole ? 0 : -ENOMEM;
}

void verdict_free(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        free(verdict->findings[i].title);
        free(verdict->findings[i].measure);
        free(verdict->findings[i].processes);
    }
    for (size_t i = 0; i < verdict->process_count; i++) {
        free(verdict->processes[i].path);
        free(verdict->processes[i].program);
        free(verdict->processes[i].command);
        free(verdict->processes[i].unjudged);
    }
    for (size_t i = 0; i < verdict->unjudged_count; i++)
        free(verdict->unjudged[i]);
    free(verdict->findings);
    free(verdict->processes);
    free(verdict->unjudged);
    *verdict = (struct verdict){0};
}

size_t verdict_blames(const struct verdict *verdict)
{
    size_t blames = 0;
    for (size_t i = 0; i < verdict->count; i++)
        blames += verdict->findings[i].blames;
    return blames;
}

size_t verdict_unjudged_count(const struct verdict *verdict)
{
    size_t unjudged = verdict->unjudged_count;
    for (size_t i = 0; i < verdict->process_count; i++)
        unjudged += verdict->processes[i].unjudged != NULL;
    return unjudged;
}

int verdict_exit(const struct verdict *verdict)
{
    if (verdict_unjudged_count(verdict) > 0)
        return COMMAND_FAILED;
    return verdict_blames(verdict) > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static int finding_compare(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    if (a->blames != b->blames)
        return a->blames ? -1 : 1;
    if (a->rule != b->rule)
        return a->rule < b->rule ? -1 : 1;
    uint64_t a_change =
        a->bytes > a->before_bytes ? a->bytes - a->before_bytes : a->before_bytes - a->bytes;
    uint64_t b_change =
        b->bytes > b->before_bytes ? b->bytes - b->before_bytes : b->before_bytes - b->bytes;
    if (a_change != b_change)
        return a_change > b_change ? -1 : 1;
    int order = strcmp(a->fingerprint, b->fingerprint);
    return order != 0 ? order : strcmp(a->title, b->title);
}

void verdict_sort(struct verdict *verdict)
{
    if (verdict->count > 0)
        qsort(verdict->findings, verdict->count, sizeof verdict->findings[0], finding_compare);
}
