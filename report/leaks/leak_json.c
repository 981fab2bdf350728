#include "leak_json.h"
#include "json_text.h"
#include "leak_record.h"

#include <errno.h>
#include <stdlib.h>

static json_t *kinds_object(const struct snapshot_check *check)
{
    json_t *object = json_object();
    for (int kind = MTF_LEAK_UNKNOWN; kind < MTF_LEAK_LIMIT; kind++)
        json_object_set_new(object, leak_kind_name((enum mtf_leak_kind)kind),
                            json_pack("{s:o,s:o}",                                     //
                                      "blocks", json_text_number(check->blocks[kind]), //
                                      "bytes", json_text_number(check->bytes[kind])));
    return object;
}

static json_t *check_object(const struct snapshot *snapshot, const struct snapshot_check *check)
{
    static const char *const triggers[] = {
        [MTF_CHECK_AT_EXIT] = "exit",     [MTF_CHECK_BY_CLIENT] = "client",
        [MTF_CHECK_BY_SIGNAL] = "signal", [MTF_CHECK_BY_COMMAND] = "command",
        [MTF_CHECK_SCOPE] = "scope",
    };
    return json_pack("{s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:o}",                //
                     "trigger", triggers[check->trigger],                                //
                     "final", check == snapshot_final_check(snapshot),                   //
                     "failure", json_text_string(leak_check_complaint(snapshot, check)), //
                     "label",
                     check->label.length > 0
                         ? json_text_bytes(check->label.bytes, check->label.length)
                         : json_null(),                                       //
                     "sequence", json_text_number(check->sequence),           //
                     "at_ns", json_text_number(check->at_ns),                 //
                     "elapsed_ns", json_text_number(check->elapsed_ns),       //
                     "pause_ns", json_text_number(check->pause_ns),           //
                     "scanned_bytes", json_text_number(check->scanned_bytes), //
                     "threads", (json_int_t)check->threads,                   //
                     "unread_regions", (json_int_t)check->unread_regions,     //
                     "kinds", kinds_object(check));
}

static json_t *record_object(const struct snapshot *snapshot, const struct leak_record *record)
{
    const struct snapshot_block *example =
        record->example != 0 ? &snapshot->blocks[record->example - 1] : NULL;
    return json_pack("{s:s,s:I,s:o,s:o,s:o,s:o,s:o}",                              //
                     "kind", leak_kind_name(record->kind),                         //
                     "site", (json_int_t)record->site,                             //
                     "blocks", json_text_number(record->blocks),                   //
                     "bytes", json_text_number(record->bytes),                     //
                     "indirect_blocks", json_text_number(record->indirect_blocks), //
                     "indirect_bytes", json_text_number(record->indirect_bytes),   //
                     "example",
                     example != NULL ? json_text_number(example->address) //
                                     : json_null());
}

/* {"record":...,"self":...,"cut":...,"stack":[...]} */
static int put_record(struct json_out *json, const struct leak_record *record, size_t index)
{
    uint32_t node = json->snapshot->sites[record->site].node;
    struct frame self;
    int error = frames_self(json->frames, node, &self);
    if (error == 0)
        error = frames_stack(json->frames, node, &json->stack);
    if (error != 0)
        return error;
    fprintf(json->out, "%s{\"record\":", index > 0 ? ",\n" : "\n");
    error = json_put_value(json->out, record_object(json->snapshot, record));
    fputs(",\"self\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, json_self_object(&self));
    if (error == 0)
        error = json_put_stack(json);
    fputc('}', json->out);
    return error;
}

static int put_check(struct json_out *json, const struct snapshot_check *check, size_t index)
{
    struct leak_records records;
    fprintf(json->out, "%s{\"check\":", index > 0 ? ",\n" : "\n");
    int error = json_put_value(json->out, check_object(json->snapshot, check));
    if (error == 0)
        error = leak_records_build(&records, json->snapshot, json->frames, check);
    if (error != 0)
        return error;
    fputs(",\"losses\":[", json->out);
    for (size_t i = 0; i < records.count && error == 0; i++)
        error = put_record(json, &records.items[i], i);
    leak_records_free(&records);
    fputs("]}", json->out);
    return error;
}

int leak_json_put(struct json_out *json)
{
    const struct snapshot *snapshot = json->snapshot;
    const char *complaint = leak_check_complaint(snapshot, snapshot_final_check(snapshot));
    fputs(",\n\"unclassified\":", json->out);
    int error = json_put_value(json->out, json_text_string(complaint));
    fputs(",\n\"checks\":[", json->out);
    for (uint32_t i = 0; i < snapshot->check_count && error == 0; i++)
        error = put_check(json, &snapshot->checks[i], i);
    fputc(']', json->out);
    return error;
}
