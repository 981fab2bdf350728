#include "command.h"
#include "json_text.h"
#include "leaks/leak_record.h"
#include "out_gate.h"
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char help_leak[] = "Free the memory, keep a pointer to it that is there when the "
                                "process ends, or write a suppression: "
                                "memtrack check --gen-suppressions.";
static const char help_limit[] =
    "Raise the limit in memtrack.ini or on the command line if the growth is meant.";
static const char help_difference[] = "memtrack diff shows where it was allocated.";

static const struct {
    const char *id;
    const char *text;
    const char *help;
} sarif_rules[FINDING_RULE_LIMIT] = {
    [FINDING_LEAK] = {"leak", "Memory was allocated and is lost when the process ends.", help_leak},
    [FINDING_PEAK] = {"peak", "The peak of a process is over its limit.", help_limit},
    [FINDING_ALLOCS] = {"allocs", "A process makes more allocations than its limit.", help_limit},
    [FINDING_TOTAL] = {"total", "A process allocates more bytes than its limit.", help_limit},
    [FINDING_TEMPORARY] = {"temporary",
                           "A process makes more temporary allocations than its limit.",
                           help_limit},
    [FINDING_SITE] = {"site", "Call sites are over a limit of theirs.", help_limit},
    [FINDING_NEW] = {"new", "A call site that was not there before.", help_difference},
    [FINDING_GROWN] = {"grown", "A call site that has grown.", help_difference},
    [FINDING_SHRUNK] = {"shrunk", "A call site that has shrunk.", help_difference},
    [FINDING_GONE] = {"gone", "A call site that is gone.", help_difference},
};

/* What code scanning shows beside a result. */
static json_t *rule_object(int rule)
{
    const char *level = rule < FINDING_NEW ? "error" : "warning";
    return json_pack("{s:s,s:{s:s},s:{s:s},s:{s:s},s:{s:s}}",            //
                     "id", sarif_rules[rule].id,                         //
                     "shortDescription", "text", sarif_rules[rule].text, //
                     "fullDescription", "text", sarif_rules[rule].text,  //
                     "help", "text", sarif_rules[rule].help,             //
                     "defaultConfiguration", "level", level);
}

static json_t *rules_array(void)
{
    json_t *array = json_array();
    for (int i = 0; i < FINDING_RULE_LIMIT; i++)
        json_array_append_new(array, rule_object(i));
    return array;
}

static bool is_plain(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || strchr("-._~/", byte) != NULL;
}

/* A path as a URI: from the source root, or absolute. NULL: out of memory. */
static json_t *uri_string(const char *path)
{
    char *uri = malloc(3 * strlen(path) + sizeof "file://");
    if (uri == NULL)
        return NULL;
    char *to = stpcpy(uri, *path == '/' ? "file://" : "");
    for (; *path != '\0'; path++) {
        if (is_plain(*path))
            *to++ = *path;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*path);
    }
    *to = '\0';
    json_t *string = json_string(uri);
    free(uri);
    return string;
}

static json_t *artifact_object(const char *path, const char *root)
{
    const char *file = place_file(path, root);
    json_t *artifact = json_pack("{s:o}", "uri", uri_string(file));
    if (*file != '/')
        json_object_set_new(artifact, "uriBaseId", json_string("SRCROOT"));
    return artifact;
}

static json_t *physical_object(const struct trace_frame *frame, const char *root)
{
    json_t *physical = json_pack("{s:o}", "artifactLocation", artifact_object(frame->file, root));
    if (frame->line > 0)
        json_object_set_new(physical, "region",
                            json_pack("{s:I}", "startLine", (json_int_t)frame->line));
    return physical;
}

/* Code scanning takes no result without a file: where no source is known, that is the report. */
static json_t *report_location(const struct verdict *verdict, const struct finding *finding)
{
    unsigned line;
    const char *path = place_path(verdict, finding, &line);
    return json_pack("{s:{s:o,s:{s:i}}}", "physicalLocation", "artifactLocation",
                     artifact_object(path, verdict->source_root), "region", "startLine", (int)line);
}

static json_t *location_object(const struct trace_frame *frame, const char *root)
{
    json_t *location = json_object();
    if (frame->file != NULL)
        json_object_set_new(location, "physicalLocation", physical_object(frame, root));
    if (frame->function != NULL)
        json_object_set_new(location, "logicalLocations",
                            json_pack("[{s:o,s:s}]", "fullyQualifiedName",
                                      json_text_string(frame->function), "kind", "function"));
    return location;
}

static json_t *stacks_array(const struct finding *finding, const char *root)
{
    json_t *frames = json_array();
    const struct trace_frame *frame = NULL;
    while ((frame = trace_next(finding->trace, frame)) != NULL) {
        json_t *object = json_pack("{s:o}", "location", location_object(frame, root));
        if (frame->module != NULL)
            json_object_set_new(object, "module", json_text_string(frame->module));
        json_array_append_new(frames, object);
    }
    return json_pack("[{s:o}]", "frames", frames);
}

static const char *level_of(const struct finding *finding)
{
    if (!finding->blames)
        return "note";
    return finding->rule == FINDING_LEAK || finding->rule < FINDING_NEW ? "error" : "warning";
}

/* How it stands to what was there before. */
static const char *state_of(const struct finding *finding)
{
    switch (finding->rule) {
    case FINDING_GROWN:
    case FINDING_SHRUNK:
        return "updated";
    case FINDING_GONE:
        return "absent";
    default:
        return finding->before_blocks > 0 ? "updated" : "new";
    }
}

static json_t *result_object(const struct verdict *verdict, size_t index)
{
    const struct finding *finding = &verdict->findings[index];
    const struct trace_frame *place = place_of(finding, verdict->source_root);
    char fingerprint[128];
    place_fingerprint(verdict, index, fingerprint, sizeof fingerprint);
    json_t *result = json_pack("{s:s,s:i,s:s,s:{s:o},s:{s:s,s:s}}",                 //
                               "ruleId", sarif_rules[finding->rule].id,             //
                               "ruleIndex", (int)finding->rule,                     //
                               "level", level_of(finding),                          //
                               "message", "text", json_text_string(finding->title), //
                               "partialFingerprints", "memtrackStack/v1", fingerprint,
                               /* the one that GitHub tells alerts apart by */
                               "primaryLocationLineHash", fingerprint);
    if (verdict->compares || verdict->has_baseline)
        json_object_set_new(result, "baselineState", json_string(state_of(finding)));
    if (place != NULL)
        json_object_set_new(result, "locations",
                            json_pack("[o]", location_object(place, verdict->source_root)));
    else
        json_object_set_new(result, "locations",
                            json_pack("[o]", report_location(verdict, finding)));
    if (finding->trace != NULL && finding->trace->count > 0)
        json_object_set_new(result, "stacks", stacks_array(finding, verdict->source_root));
    return result;
}

static json_t *results_array(const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->count; i++)
        json_array_append_new(array, result_object(verdict, i));
    return array;
}

static void notification_add(json_t *array, const char *where, const char *what)
{
    char *text;
    if (asprintf(&text, "%s%s%s", where, *where != '\0' ? ": " : "", what) < 0)
        return;
    json_array_append_new(array, json_pack("{s:s,s:{s:o}}", "level", "error", "message", "text",
                                           json_text_string(text)));
    free(text);
}

static json_t *notifications_array(const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->unjudged_count; i++)
        notification_add(array, "", verdict->unjudged[i]);
    for (size_t i = 0; i < verdict->process_count; i++) {
        if (verdict->processes[i].unjudged != NULL)
            notification_add(array, verdict->processes[i].path, verdict->processes[i].unjudged);
    }
    return array;
}

/* The folder that relative paths are seen from; its URI ends in a slash. */
static json_t *bases_object(const char *root)
{
    char *folder;
    if (root == NULL || asprintf(&folder, "%s/", strcmp(root, "/") == 0 ? "" : root) < 0)
        return json_object();
    json_t *bases = json_pack("{s:{s:o}}", "SRCROOT", "uri", uri_string(folder));
    free(folder);
    return bases;
}

int out_gate_sarif(FILE *out, const struct verdict *verdict)
{
    json_t *run = json_pack(
        "{s:{s:{s:s,s:s,s:o}},s:[{s:b,s:i,s:o}],s:o,s:s,s:o}",                                    //
        "tool", "driver", "name", "memtrack", "version", COMMAND_VERSION, "rules", rules_array(), //
        "invocations", "executionSuccessful", verdict_unjudged_count(verdict) == 0,               //
        "exitCode", verdict_exit(verdict),                                                        //
        "toolExecutionNotifications", notifications_array(verdict),                               //
        "originalUriBaseIds", bases_object(verdict->source_root),                                 //
        "columnKind", "utf16CodeUnits",                                                           //
        "results", results_array(verdict));
    json_t *root = json_pack("{s:s,s:s,s:[o]}", "$schema",
                             "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
                             "sarif-schema-2.1.0.json",
                             "version", "2.1.0", "runs", run);
    int error = root != NULL ? json_dumpf(root, out, JSON_INDENT(1)) : -ENOMEM;
    json_decref(root);
    fputc('\n', out);
    return error == 0 ? 0 : ferror(out) ? -EIO : -ENOMEM;
}
