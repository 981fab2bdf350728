/* The forms that GitHub and GitLab read. */
#include "json_text.h"
#include "leaks/leak_record.h"
#include "out_gate.h"
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Text in a workflow command: `%` and line ends always, in properties also `:` and `,`. */
static void command_put(FILE *out, const char *text, bool property)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '%' || byte < 0x20 || byte == 0x7f || (property && strchr(":,", byte) != NULL))
            fprintf(out, "%%%02X", byte);
        else
            fputc(byte, out);
    }
}

static void github_error(FILE *out, const char *title, const char *text)
{
    fputs("::error title=", out);
    command_put(out, title, true);
    fputs("::", out);
    command_put(out, text, false);
    fputc('\n', out);
}

static int github_finding(FILE *out, const struct verdict *verdict, const struct finding *finding)
{
    const struct trace_frame *place = place_of(finding, verdict->source_root);
    char *stack = place_stack_text(verdict, finding);
    if (stack == NULL)
        return -ENOMEM;
    fprintf(out, "::%s ", finding->blames ? "error" : "notice");
    if (place != NULL && place_is_inside(place, verdict->source_root)) {
        fputs("file=", out);
        command_put(out, place_file(place->file, verdict->source_root), true);
        if (place->line > 0)
            fprintf(out, ",line=%u", place->line);
        fputc(',', out);
    }
    fprintf(out, "title=memtrack%%3A %s::", finding_rule_name(finding->rule));
    command_put(out, finding->title, false);
    fputs("%0A", out);
    command_put(out, stack, false);
    fputc('\n', out);
    free(stack);
    return 0;
}

int out_gate_github(FILE *out, const struct verdict *verdict)
{
    int error = 0;
    for (size_t i = 0; i < verdict->count && error == 0; i++)
        error = github_finding(out, verdict, &verdict->findings[i]);
    for (size_t i = 0; i < verdict->unjudged_count; i++)
        github_error(out, "memtrack could not judge", verdict->unjudged[i]);
    for (size_t i = 0; i < verdict->process_count; i++) {
        const struct verdict_process *process = &verdict->processes[i];
        char *text;
        if (process->unjudged == NULL)
            continue;
        if (asprintf(&text, "%s: %s", process->path, process->unjudged) < 0)
            return -ENOMEM;
        github_error(out, "memtrack could not judge", text);
        free(text);
    }
    return error;
}

/* GitLab's code quality report needs a path for everything; what has none gets the report's. */
static json_t *quality_object(const char *description, const char *rule, const char *severity,
                              const char *path, unsigned line, const char *fingerprint)
{
    return json_pack("{s:o,s:s,s:o,s:s,s:{s:o,s:{s:I}}}",          //
                     "description", json_text_string(description), //
                     "check_name", rule,                           //
                     "fingerprint", json_text_string(fingerprint), //
                     "severity", severity,                         //
                     "location", "path", json_text_string(path),   //
                     "lines", "begin", (json_int_t)(line > 0 ? line : 1));
}

static json_t *quality_finding(const struct verdict *verdict, size_t index)
{
    const struct finding *finding = &verdict->findings[index];
    unsigned line;
    const char *path = place_path(verdict, finding, &line);
    char fingerprint[128];
    place_fingerprint(verdict, index, fingerprint, sizeof fingerprint);
    return quality_object(finding->title, finding_rule_name(finding->rule),
                          finding->blames ? "major" : "info", path, line, fingerprint);
}

int out_gate_gitlab(FILE *out, const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->count; i++)
        json_array_append_new(array, quality_finding(verdict, i));
    for (size_t i = 0; i < verdict->process_count; i++) {
        const struct verdict_process *process = &verdict->processes[i];
        if (process->unjudged != NULL)
            json_array_append_new(array, quality_object(process->unjudged, "not-judged", "critical",
                                                        process->path, 1, process->path));
    }
    for (size_t i = 0; i < verdict->unjudged_count; i++)
        json_array_append_new(array, quality_object(verdict->unjudged[i], "not-judged", "critical",
                                                    ".", 1, verdict->unjudged[i]));
    int error = array != NULL ? json_dumpf(array, out, JSON_INDENT(1)) : -ENOMEM;
    json_decref(array);
    fputc('\n', out);
    return error == 0 ? 0 : ferror(out) ? -EIO : -ENOMEM;
}
