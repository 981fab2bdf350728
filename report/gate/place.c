#include "place.h"
#include "frame_text.h"
#include "json_text.h"
#include "leaks/leak_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *place_file(const char *file, const char *root)
{
    if (file == NULL)
        return NULL;
    while (strncmp(file, "./", 2) == 0)
        file += 2;
    return frame_text_file(file, root);
}

const struct trace_frame *place_of(const struct finding *finding, const char *root)
{
    return finding->trace != NULL ? trace_place(finding->trace, root) : NULL;
}

bool place_is_inside(const struct trace_frame *frame, const char *root)
{
    return trace_file_is_below(frame->file, root);
}

const char *place_path(const struct verdict *verdict, const struct finding *finding, unsigned *line)
{
    const struct trace_frame *frame = place_of(finding, verdict->source_root);
    *line = frame != NULL && frame->line > 0 ? frame->line : 1;
    if (frame != NULL)
        return place_file(frame->file, verdict->source_root);
    if (finding->process_count > 0)
        return place_file(verdict->processes[finding->processes[0]].path, verdict->source_root);
    return ".";
}

json_t *place_object(const struct finding *finding, const char *root)
{
    const struct trace_frame *frame = place_of(finding, root);
    if (frame == NULL)
        return json_null();
    return json_pack("{s:o,s:o}", "file", json_text_string(place_file(frame->file, root)), "line",
                     frame->line != 0 ? json_integer(frame->line) : json_null());
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void place_stack(FILE *out, const struct finding *finding, const char *root)
{
    const struct trace_frame *frame = NULL;
    if (finding->trace == NULL)
        return;
    while ((frame = trace_next(finding->trace, frame)) != NULL) {
        const char *module = frame->module != NULL ? base_name(frame->module) : "unknown module";
        if (frame->function != NULL)
            fprintf(out, "%s", frame->function);
        else
            fprintf(out, "%s+0x%" PRIx64, module, frame->offset);
        if (frame->file != NULL)
            fprintf(out, " at %s:%u", place_file(frame->file, root), frame->line);
        else if (frame->function != NULL)
            fprintf(out, " [%s]", module);
        fputc('\n', out);
    }
}

char *place_stack_text(const struct verdict *verdict, const struct finding *finding)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    place_stack(out, finding, verdict->source_root);
    for (size_t i = 0; i < finding->process_count; i++) {
        const struct verdict_process *process = &verdict->processes[finding->processes[i]];
        fprintf(out, "in %s (process %d): %s\n", process->program, process->pid, process->command);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static bool is_alike(const struct finding *a, const struct finding *b)
{
    bool measured = a->measure != NULL && b->measure != NULL;
    return a->rule == b->rule && a->kind == b->kind &&
           (measured ? strcmp(a->measure, b->measure) == 0 : a->measure == b->measure) &&
           strcmp(a->fingerprint, b->fingerprint) == 0;
}

void place_fingerprint(const struct verdict *verdict, size_t index, char *to, size_t size)
{
    const struct finding *finding = &verdict->findings[index];
    size_t before = 0;
    for (size_t i = 0; i < index; i++)
        before += is_alike(&verdict->findings[i], finding);
    const char *kind = finding->rule == FINDING_LEAK ? leak_kind_name(finding->kind) : "";
    const char *measure = finding->measure != NULL ? finding->measure : "";
    int length = snprintf(to, size, "%s-%s%s%s", finding_rule_name(finding->rule), kind, measure,
                          *kind != '\0' || *measure != '\0' ? "-" : "");
    if (length > 0 && (size_t)length < size)
        length += snprintf(to + length, size - (size_t)length, "%s", finding->fingerprint);
    if (before > 0 && length > 0 && (size_t)length < size)
        snprintf(to + length, size - (size_t)length, "-%zu", before + 1);
}
