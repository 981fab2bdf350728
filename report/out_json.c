#include "out_json.h"
#include "command.h"
#include "json_text.h"
#include "leaks/leak_json.h"
#include "leaks/leak_record.h"
#include "memory/memory_json.h"
#include "out_json_part.h"
#include "progress.h"
#include "usage/usage_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Writes a value and gives it back; NULL is what the library returns without memory. */
int json_put_value(FILE *out, json_t *value)
{
    int error = value == NULL ? -ENOMEM : 0;
    if (error == 0 && json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        error = ferror(out) ? -EIO : -ENOMEM;
    json_decref(value);
    return error;
}

static int put_member(FILE *out, const char *name, json_t *value)
{
    fprintf(out, ",\n\"%s\":", name);
    return json_put_value(out, value);
}

static json_t *name_or_null(const struct snapshot_name *name)
{
    return name->length == 0 ? json_null() : json_text_bytes(name->bytes, name->length);
}

json_t *json_figures_object(const struct figures *figures)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", //
                     "live_bytes", json_text_number(figures->live_bytes),             //
                     "live_blocks", json_text_number(figures->live_blocks),           //
                     "peak_bytes", json_text_number(figures->peak_bytes),             //
                     "peak_blocks", json_text_number(figures->peak_blocks),           //
                     "allocated_bytes", json_text_number(figures->alloc_bytes),       //
                     "allocations", json_text_number(figures->allocs),                //
                     "freed_bytes", json_text_number(figures->freed_bytes),           //
                     "frees", json_text_number(figures->frees),                       //
                     "temporary", json_text_number(figures->temporary),               //
                     "largest_bytes", json_text_number(figures->largest),             //
                     "reallocs", json_text_number(figures->reallocs),                 //
                     "zero_size", json_text_number(figures->zero_size),               //
                     "failed", json_text_number(figures->failed),                     //
                     "inherited_bytes", json_text_number(figures->inherited_bytes),   //
                     "inherited_blocks", json_text_number(figures->inherited_blocks));
}

static json_t *arguments_array(const struct snapshot_name *arguments)
{
    json_t *array = json_array();
    for (size_t at = 0; at < arguments->length;) {
        size_t length = strnlen(arguments->bytes + at, arguments->length - at);
        json_array_append_new(array, json_text_bytes(arguments->bytes + at, length));
        at += length + 1;
    }
    return array;
}

static json_t *process_object(const struct snapshot *snapshot)
{
    char run[32];
    snprintf(run, sizeof run, "%016" PRIx64, snapshot->run_id);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:i,s:i,s:b,s:o,s:i}",                 //
                     "program", name_or_null(&snapshot->program),                 //
                     "executable", name_or_null(&snapshot->executable),           //
                     "arguments", arguments_array(&snapshot->arguments),          //
                     "folder", name_or_null(&snapshot->folder),                   //
                     "host", name_or_null(&snapshot->host),                       //
                     "pid", snapshot->pid,                                        //
                     "parent_pid", snapshot->ppid,                                //
                     "forked", snapshot->forked,                                  //
                     "run", json_text_string(snapshot->run_id != 0 ? run : NULL), //
                     "machine", (int)snapshot->machine);
}

static const char *end_kind_name(const struct snapshot *snapshot)
{
    static const char *const names[MTF_END_LIMIT] = {
        [MTF_END_NONE] = "unseen",           [MTF_END_EXIT] = "exit",
        [MTF_END_QUICK_EXIT] = "quick_exit", [MTF_END_UNDERSCORE_EXIT] = "_exit",
        [MTF_END_ABORT] = "abort",           [MTF_END_EXEC] = "exec",
        [MTF_END_SIGNAL] = "signal",
    };
    return snapshot->state == SNAPSHOT_RUNNING ? "running" : names[snapshot->end_kind];
}

static json_t *end_status(const struct snapshot *snapshot)
{
    if (snapshot->waited && WIFEXITED(snapshot->wait_status))
        return json_integer(WEXITSTATUS(snapshot->wait_status));
    return snapshot->status_known ? json_integer(snapshot->end_status) : json_null();
}

static json_t *end_object(const struct snapshot *snapshot)
{
    bool signalled = snapshot->waited && WIFSIGNALED(snapshot->wait_status);
    bool ended = snapshot->state == SNAPSHOT_ENDED;
    return json_pack("{s:s,s:o,s:o,s:I,s:o,s:o}",     //
                     "kind", end_kind_name(snapshot), //
                     "status", end_status(snapshot),  //
                     "signal",
                     signalled ? json_integer(WTERMSIG(snapshot->wait_status))              //
                               : json_null(),                                               //
                     "started_ns", (json_int_t)snapshot->start_time_ns,                     //
                     "ended_ns", ended ? json_integer(snapshot->end_time_ns) : json_null(), //
                     "elapsed_ns", ended ? json_text_number(snapshot->elapsed_ns) : json_null());
}

static json_t *lost_object(const struct snapshot *snapshot)
{
    static const char *const names[MTF_LOST_LIMIT] = {
        [MTF_LOST_NESTED] = "nested", [MTF_LOST_LIVE] = "live",   [MTF_LOST_SITE] = "site",
        [MTF_LOST_THREAD] = "thread", [MTF_LOST_STACK] = "stack", [MTF_LOST_MODULE] = "module",
        [MTF_LOST_FORK] = "fork",
    };
    json_t *object = json_object();
    json_object_set_new(object, "total", json_text_number(snapshot_lost(snapshot)));
    for (int reason = 0; reason < MTF_LOST_LIMIT; reason++)
        json_object_set_new(object, names[reason], json_text_number(snapshot->lost[reason]));
    return object;
}

static json_t *tracking_object(const struct snapshot *snapshot)
{
    return json_pack("{s:b,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:i}",                      //
                     "own_malloc", snapshot->own_malloc,                                   //
                     "next_allocator", name_or_null(&snapshot->next_allocator),            //
                     "damaged", snapshot->sums_differ,                                     //
                     "missed", lost_object(snapshot),                                      //
                     "unknown_frees", json_text_number(snapshot->foreign_frees),           //
                     "startup_allocations", json_text_number(snapshot->boot_allocs),       //
                     "peak_error_bytes", json_text_number(snapshot->peak_error),           //
                     "verified_stacks", json_text_number(snapshot->verified),              //
                     "verify_differences", json_text_number(snapshot->verify_differences), //
                     "depth_limit", (int)(snapshot->depth_limit & INT32_MAX),              //
                     "sample_limit", (int)(snapshot->sample_limit & INT32_MAX));
}

static json_t *module_object(const struct snapshot_module *module, const char *complaint)
{
    return json_pack("{s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o}",                              //
                     "path", json_text_string(module->path),                               //
                     "build_id", json_text_hex(module->build_id, module->build_id_length), //
                     "program", (module->flags & MTF_MODULE_PROGRAM) != 0,                 //
                     "bias", json_text_number(module->bias),                               //
                     "start", json_text_number(module->start),                             //
                     "end", json_text_number(module->end),                                 //
                     "loaded", json_text_number(module->loaded),                           //
                     "unloaded",
                     module->unloaded != 0 ? json_text_number(module->unloaded) : json_null(), //
                     "complaint", json_text_string(complaint));
}

static json_t *block_object(const struct snapshot *snapshot, const struct snapshot_block *block)
{
    const struct snapshot_block *holder =
        block->holder != 0 ? &snapshot->blocks[block->holder - 1] : NULL;
    return json_pack("{s:o,s:o,s:o,s:o,s:I,s:s,s:o,s:o}",         //
                     "address", json_text_number(block->address), //
                     "bytes", json_text_number(block->size),      //
                     "usable",
                     block->usable != 0 ? json_text_number(block->usable) : json_null(), //
                     "sequence", json_text_number(block->sequence),                      //
                     "thread", (json_int_t)block->thread,                                //
                     "kind", leak_kind_name(block->kind),                                //
                     "holder",
                     holder != NULL ? json_text_number(holder->address) : json_null(), //
                     "contents",
                     json_text_hex((const uint8_t *)block->contents.bytes, block->contents.length));
}

static json_t *frame_object(const struct frame *frame)
{
    const struct symbol_frame *name = frame->name;
    return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:b,s:b}",                                    //
                     "module", (json_int_t)frame->module,                                    //
                     "offset", json_text_number(frame->offset),                              //
                     "function", json_text_string(name->function),                           //
                     "file", json_text_string(name->file),                                   //
                     "line", name->line != 0 ? json_integer(name->line) : json_null(),       //
                     "column", name->column != 0 ? json_integer(name->column) : json_null(), //
                     "inlined", name->inlined,                                               //
                     "folded", frame->folded);
}

/* Items of an array, each on its own line; the brackets are the caller's. */
int json_put_item(FILE *out, size_t index, json_t *value)
{
    fputs(index > 0 ? ",\n" : "\n", out);
    return json_put_value(out, value);
}

static int put_head(struct json_out *json)
{
    static const char *const states[] = {
        [SNAPSHOT_RUNNING] = "running",
        [SNAPSHOT_ENDED] = "ended",
        [SNAPSHOT_KILLED] = "killed",
    };
    const struct snapshot *snapshot = json->snapshot;
    fputs("{\"file\":", json->out);
    int error = json_put_value(json->out, json_text_string(snapshot->path));
    if (error == 0)
        error = put_member(json->out, "state", json_string(states[snapshot->state]));
    if (error == 0)
        error = put_member(json->out, "process", process_object(snapshot));
    if (error == 0)
        error = put_member(json->out, "end", end_object(snapshot));
    if (error == 0)
        error = put_member(json->out, "tracking", tracking_object(snapshot));
    if (error == 0)
        error = put_member(json->out, "totals", json_figures_object(&snapshot->totals));
    return error;
}

/* Remembers a frame that has no number yet, to be written behind the call sites. */
static int number_frame(struct json_out *json, const struct frame *frame)
{
    if (*frame->number != 0)
        return 0;
    if (json->met_count == json->met_room) {
        uint32_t room = 2 * json->met_room + 256;
        struct frame *met = realloc(json->met, room * sizeof met[0]);
        if (met == NULL)
            return -ENOMEM;
        json->met = met;
        json->met_room = room;
    }
    json->met[json->met_count++] = *frame;
    *frame->number = json->met_count;
    return 0;
}

int json_put_stack(struct json_out *json)
{
    fprintf(json->out, ",\"cut\":%s,\"stack\":[", json->stack.cut ? "true" : "false");
    for (size_t i = 0; i < json->stack.count; i++) {
        const struct frame *frame = &json->stack.frames[i];
        int error = number_frame(json, frame);
        if (error != 0)
            return error;
        fprintf(json->out, "%s%" PRIu32, i > 0 ? "," : "", *frame->number - 1);
    }
    fputc(']', json->out);
    return 0;
}

static int put_frames(struct json_out *json)
{
    int error = 0;
    fputs(",\n\"frames\":[", json->out);
    for (uint32_t i = 0; i < json->met_count && error == 0; i++)
        error = json_put_item(json->out, i, frame_object(&json->met[i]));
    fputc(']', json->out);
    return error;
}

static int put_blocks(struct json_out *json, uint32_t site)
{
    size_t count;
    int error = 0;
    const struct snapshot_block *blocks = snapshot_blocks(json->snapshot, site, &count);
    fputs(",\"blocks\":[", json->out);
    for (size_t i = 0; i < count && error == 0; i++)
        error = json_put_item(json->out, i, block_object(json->snapshot, &blocks[i]));
    fputc(']', json->out);
    return error;
}

json_t *json_self_object(const struct frame *self)
{
    const struct symbol_frame *name = self->name;
    return json_pack("{s:I,s:o,s:o,s:o}",                          //
                     "module", (json_int_t)self->module,           //
                     "function", json_text_string(name->function), //
                     "file", json_text_string(name->file),         //
                     "line", name->line != 0 ? json_integer(name->line) : json_null());
}

static int put_site(struct json_out *json, const struct aggregate_row *row)
{
    static const char *const domains[MTF_DOMAIN_LIMIT] = {
        [MTF_DOMAIN_HEAP] = "heap",
        [MTF_DOMAIN_MAPPINGS] = "mappings",
        [MTF_DOMAIN_POOLS] = "pools",
    };
    uint32_t node = json->snapshot->sites[row->site].node;
    struct frame self;
    int error = frames_self(json->frames, node, &self);
    if (error == 0)
        error = frames_stack(json->frames, node, &json->stack);
    if (error != 0)
        return error;
    fprintf(json->out, "{\"id\":%" PRIu32 ",\"domain\":\"%s\",\"self\":", row->site,
            domains[json->snapshot->sites[row->site].domain]);
    error = json_put_value(json->out, json_self_object(&self));
    fputs(",\"figures\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, json_figures_object(&row->figures));
    fputs(",\"usage\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, usage_json_site(json->snapshot, row->site));
    if (error == 0)
        error = json_put_stack(json);
    if (error == 0)
        error = put_blocks(json, row->site);
    fputc('}', json->out);
    return error;
}

static int put_row(struct json_out *json, const struct aggregate_row *row)
{
    fputs("{\"function\":", json->out);
    const char *function =
        json->options->by == AGGREGATE_FUNCTION ? row->self.name->function : NULL;
    int error = json_put_value(json->out, json_text_string(function));
    fprintf(json->out, ",\"module\":%" PRIu32 ",\"offset\":", row->self.module);
    if (error == 0)
        error =
            json_put_value(json->out, json->options->by == AGGREGATE_FUNCTION && function == NULL
                                          ? json_text_number(row->self.offset)
                                          : json_null());
    fprintf(json->out, ",\"sites\":%" PRIu32 ",\"figures\":", row->sites);
    if (error == 0)
        error = json_put_value(json->out, json_figures_object(&row->figures));
    fputc('}', json->out);
    return error;
}

/* An array of all rows, in order, as `put` writes one. */
static int put_rows(struct json_out *json, enum aggregate_by by, enum mtf_domain domain,
                    int (*put)(struct json_out *, const struct aggregate_row *))
{
    struct aggregate aggregate;
    int error = aggregate_build(&aggregate, json->snapshot, json->frames, by, domain);
    if (error != 0)
        return error;
    const struct aggregate_row **order = calloc(aggregate.count + 1, sizeof(void *));
    size_t count = 0;
    if (order != NULL)
        count = aggregate_order(&aggregate, json->options->sort, true, order);
    else
        error = -ENOMEM;
    if (json->options->top > 0 && count > json->options->top)
        count = json->options->top;
    for (size_t i = 0; i < count && error == 0; i++) {
        progress_step("writing call sites", i);
        fputs(i > 0 ? ",\n" : "\n", json->out);
        error = put(json, order[i]);
    }
    free(order);
    aggregate_free(&aggregate);
    return error;
}

/* Behind the call sites, as only then it is known which modules' names were asked for. */
static int put_modules(struct json_out *json)
{
    int error = 0;
    fputs(",\n\"modules\":[", json->out);
    for (uint32_t i = 0; i < json->snapshot->module_count && error == 0; i++)
        error = json_put_item(
            json->out, i,
            module_object(&json->snapshot->modules[i], frames_complaint(json->frames, i)));
    fputc(']', json->out);
    return error;
}

static int put_threads(struct json_out *json)
{
    int error = 0;
    fputs(",\n\"threads\":[", json->out);
    for (uint32_t i = 0; i < json->snapshot->thread_count && error == 0; i++)
        error = json_put_item(json->out, i, memory_json_thread(&json->snapshot->threads[i]));
    fputc(']', json->out);
    return error;
}

static int put_mappings(struct json_out *json)
{
    fputs(",\n\"mappings\":{", json->out);
    int error = memory_json_put_mappings(json);
    fputs(",\n\"sites\":[", json->out);
    if (error == 0)
        error = put_rows(json, AGGREGATE_SITE, MTF_DOMAIN_MAPPINGS, put_site);
    fputs("]}", json->out);
    return error;
}

static int put_report(struct json_out *json)
{
    int error = put_head(json);
    if (error == 0 && json->options->by != AGGREGATE_SITE) {
        fprintf(json->out, ",\n\"by\":\"%s\",\n\"rows\":[", aggregate_by_name(json->options->by));
        error = put_rows(json, json->options->by, MTF_DOMAIN_HEAP, put_row);
        fputc(']', json->out);
    }
    fputs(",\n\"sites\":[", json->out);
    if (error == 0)
        error = put_rows(json, AGGREGATE_SITE, MTF_DOMAIN_HEAP, put_site);
    fputc(']', json->out);
    if (error == 0)
        error = put_mappings(json);
    if (error == 0)
        error = memory_json_put(json);
    if (error == 0)
        error = usage_json_put(json);
    if (error == 0)
        error = leak_json_put(json);
    if (error == 0)
        error = put_frames(json);
    if (error == 0)
        error = put_threads(json);
    if (error == 0)
        error = put_modules(json);
    fputs("}", json->out);
    return error;
}

int out_json_begin(FILE *out)
{
    fprintf(out,
            "{\"schema\":\"memtrack-report\",\"version\":1,\"generator\":\"memtrack %s\","
            "\n\"reports\":[",
            COMMAND_VERSION);
    return ferror(out) ? -EIO : 0;
}

int out_json_report(FILE *out, const struct snapshot *snapshot, struct frames *frames,
                    const struct out_json_options *options, bool first)
{
    struct json_out json = {.out = out, .snapshot = snapshot, .frames = frames, .options = options};
    fputs(first ? "\n" : ",\n", out);
    int error = put_report(&json);
    frame_stack_free(&json.stack);
    free(json.met);
    progress_clear();
    return error == 0 && ferror(out) ? -EIO : error;
}

int out_json_end(FILE *out)
{
    fputs("\n]}\n", out);
    return ferror(out) ? -EIO : 0;
}
