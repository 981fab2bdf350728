#include "command.h"
#include "json_text.h"
#include "leaks/leak_record.h"
#include "out_gate.h"
#include "place.h"

#include <errno.h>

static json_t *trace_array(const struct trace *trace, const char *root)
{
    json_t *array = json_array();
    for (size_t i = 0; trace != NULL && i < trace->count; i++) {
        const struct trace_frame *frame = &trace->frames[i];
        json_array_append_new(
            array,
            json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b}",                                //
                      "function", json_text_string(frame->function),                      //
                      "linkage", json_text_string(frame->linkage),                        //
                      "module", json_text_string(frame->module),                          //
                      "offset", json_text_number(frame->offset),                          //
                      "file", json_text_string(place_file(frame->file, root)),            //
                      "line", frame->line != 0 ? json_integer(frame->line) : json_null(), //
                      "inlined", frame->inlined,                                          //
                      "folded", frame->folded));
    }
    return array;
}

static json_t *processes_array(const struct finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->process_count; i++)
        json_array_append_new(array, json_integer(finding->processes[i]));
    return array;
}

static json_t *finding_object(const struct finding *finding, const char *root)
{
    return json_pack(
        "{s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", //
        "rule", finding_rule_name(finding->rule),                //
        "blames", finding->blames,                               //
        "kind",
        finding->rule == FINDING_LEAK ? json_string(leak_kind_name(finding->kind)) : json_null(), //
        "measure", json_text_string(finding->measure),                                            //
        "title", json_text_string(finding->title),                                                //
        "fingerprint",
        json_text_string(finding->fingerprint[0] != '\0' ? finding->fingerprint : NULL), //
        "bytes", json_text_number(finding->bytes),                                       //
        "blocks", json_text_number(finding->blocks),                                     //
        "before_bytes", json_text_number(finding->before_bytes),                         //
        "before_blocks", json_text_number(finding->before_blocks),                       //
        "processes", processes_array(finding),                                           //
        "place", place_object(finding, root),                                            //
        "stack", trace_array(finding->trace, root));
}

static json_t *findings_array(const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->count; i++)
        json_array_append_new(array, finding_object(&verdict->findings[i], verdict->source_root));
    return array;
}

static json_t *reports_array(const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->process_count; i++) {
        const struct verdict_process *process = &verdict->processes[i];
        json_array_append_new(array,
                              json_pack("{s:o,s:o,s:o,s:i,s:o}",                       //
                                        "file", json_text_string(process->path),       //
                                        "program", json_text_string(process->program), //
                                        "command", json_text_string(process->command), //
                                        "pid", process->pid,                           //
                                        "not_judged", json_text_string(process->unjudged)));
    }
    return array;
}

static json_t *unjudged_array(const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->unjudged_count; i++)
        json_array_append_new(array, json_text_string(verdict->unjudged[i]));
    return array;
}

static json_t *notes_array(const struct verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->note_count; i++)
        json_array_append_new(array, json_text_string(verdict->notes[i]));
    return array;
}

static json_t *suppressions_array(const struct suppress *suppress)
{
    json_t *array = json_array();
    for (size_t i = 0; suppress != NULL && i < suppress->count; i++) {
        const struct suppress_entry *entry = &suppress->entries[i];
        json_array_append_new(array, json_pack("{s:o,s:o,s:i,s:o,s:o,s:o}",                    //
                                               "name", json_text_string(entry->name),          //
                                               "file", json_text_string(entry->file),          //
                                               "line", (int)entry->line,                       //
                                               "used", json_text_number(entry->used),          //
                                               "blocks", json_text_number(entry->used_blocks), //
                                               "bytes", json_text_number(entry->used_bytes)));
    }
    return array;
}

static json_t *sum_object(size_t count, const struct ledger_leak *leak)
{
    return json_pack("{s:o,s:o,s:o}",                          //
                     "findings", json_text_number(count),      //
                     "blocks", json_text_number(leak->blocks), //
                     "bytes", json_text_number(leak->bytes));
}

int out_gate_json(FILE *out, const struct verdict *verdict)
{
    static const char *const words[] = {"clean", "findings", "not judged"};
    json_t *root =
        json_pack("{s:s,s:i,s:s,s:s,s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",            //
                  "schema", "memtrack-check",                                                 //
                  "version", 1,                                                               //
                  "generator", "memtrack " COMMAND_VERSION,                                   //
                  "command", verdict->title,                                                  //
                  "result", words[verdict_exit(verdict)],                                     //
                  "exit", verdict_exit(verdict),                                              //
                  "source_root", json_text_string(verdict->source_root),                      //
                  "reports", reports_array(verdict),                                          //
                  "not_judged", unjudged_array(verdict),                                      //
                  "notes", notes_array(verdict),                                              //
                  "findings", findings_array(verdict),                                        //
                  "suppressed", sum_object(verdict->suppressed_count, &verdict->suppressed),  //
                  "in_baseline", sum_object(verdict->known_count, &verdict->known),           //
                  "within_limits", sum_object(verdict->tolerated_count, &verdict->tolerated), //
                  "suppressions", suppressions_array(verdict->suppress));
    int error = root != NULL ? json_dumpf(root, out, JSON_INDENT(1)) : -ENOMEM;
    json_decref(root);
    fputc('\n', out);
    return error == 0 ? 0 : ferror(out) ? -EIO : -ENOMEM;
}
