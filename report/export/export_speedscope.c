/*
 * The file format of speedscope: frames once, and for each value a profile of weighted stacks.
 */
#include "command.h"
#include "export.h"
#include "json_text.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct speedscope {
    struct export *export;
    uint32_t *sites; /* those that are exported */
    size_t count;
};

static int put_json(FILE *out, json_t *value)
{
    int error = value == NULL ? -ENOMEM : 0;
    if (error == 0 && json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        error = ferror(out) ? -EIO : -ENOMEM;
    json_decref(value);
    return error;
}

static const char *value_title(enum figures_key key)
{
    static const char *const titles[FIGURES_KEY_LIMIT] = {
        "still allocated (bytes)", "live at the peak (bytes)",      "all allocations (bytes)",
        "all allocations (calls)", "temporary allocations (calls)",
    };
    return titles[key];
}

/* Paths are written once for each value: stacks are read again, names come from the cache. */
static int put_samples(struct speedscope *speedscope)
{
    struct export *export = speedscope->export;
    FILE *out = export->out;
    fputs("\"samples\":[", out);
    for (size_t i = 0; i < speedscope->count; i++) {
        int error = stacks_read(&export->stacks, speedscope->sites[i]);
        if (error != 0)
            return error;
        progress_step("reading stacks", i);
        fputs(i > 0 ? ",[" : "[", out);
        for (size_t j = export->stacks.count; j-- > 0;)
            fprintf(out, "%" PRIu32 "%s", export->stacks.path[j], j > 0 ? "," : "");
        fputc(']', out);
    }
    fputc(']', out);
    return 0;
}

static uint64_t put_weights(struct speedscope *speedscope, enum figures_key key)
{
    const struct snapshot *snapshot = speedscope->export->snapshot;
    uint64_t sum = 0;
    fputs(",\"weights\":[", speedscope->export->out);
    for (size_t i = 0; i < speedscope->count; i++) {
        uint64_t value = figures_value(&snapshot->sites[speedscope->sites[i]].figures, key);
        fprintf(speedscope->export->out, "%s%" PRIu64, i > 0 ? "," : "", value);
        sum += value;
    }
    fputc(']', speedscope->export->out);
    return sum;
}

/* Only call sites that have something of this value: speedscope draws one of no width, too. */
static int put_profile(struct speedscope *speedscope, enum figures_key key)
{
    struct export *export = speedscope->export;
    speedscope->count = 0;
    for (uint32_t site = 0; site < export->snapshot->site_count; site++) {
        if (export_has(export, site) &&
            figures_value(&export->snapshot->sites[site].figures, key) > 0)
            speedscope->sites[speedscope->count++] = site;
    }
    fprintf(export->out,
            "%s{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"startValue\":0,",
            key > 0 ? ",\n" : "", value_title(key), key <= FIGURES_TOTAL ? "bytes" : "none");
    int error = put_samples(speedscope);
    if (error == 0)
        fprintf(export->out, ",\"endValue\":%" PRIu64 "}", put_weights(speedscope, key));
    return error;
}

static int put_frame(FILE *out, const struct function *function, bool first)
{
    json_t *object = json_pack("{s:o}", "name", json_text_string(function->name));
    if (object != NULL && function->file != NULL)
        json_object_set_new(object, "file", json_text_string(function->file));
    if (object != NULL && function->line > 0)
        json_object_set_new(object, "line", json_integer(function->line));
    if (object != NULL && function->column > 0)
        json_object_set_new(object, "col", json_integer(function->column));
    fputs(first ? "\n" : ",\n", out);
    return put_json(out, object);
}

static int put_frames(struct export *export)
{
    int error = 0;
    fputs("\"shared\":{\"frames\":[", export->out);
    for (uint32_t i = 0; i < functions_count(export->stacks.functions) && error == 0; i++)
        error = put_frame(export->out, functions_get(export->stacks.functions, i), i == 0);
    fputs("]}}\n", export->out);
    return error;
}

static int put_program(struct export *export)
{
    const struct snapshot_name *program = &export->snapshot->program;
    fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n\"name\":",
          export->out);
    int error = put_json(export->out, json_text_bytes(program->bytes, program->length));
    fprintf(export->out, ",\"exporter\":\"memtrack %s\",\"activeProfileIndex\":%d,\n\"profiles\":[",
            COMMAND_VERSION, (int)export->key);
    return error;
}

int export_speedscope(struct export *export)
{
    struct speedscope speedscope = {.export = export};
    speedscope.sites = calloc(export->snapshot->site_count, sizeof speedscope.sites[0]);
    int error = speedscope.sites != NULL ? put_program(export) : -ENOMEM;
    for (int key = 0; key < FIGURES_KEY_LIMIT && error == 0; key++)
        error = put_profile(&speedscope, (enum figures_key)key);
    fputs("],\n", export->out);
    if (error == 0)
        error = put_frames(export);
    free(speedscope.sites);
    return error == 0 && ferror(export->out) ? -EIO : error;
}
