#include "usage_json.h"
#include "json_text.h"
#include "lifetime_sum.h"
#include "phase_group.h"

#include <errno.h>

static json_t *steps_array(const uint64_t steps[MTF_LIFETIME_STEPS])
{
    json_t *array = json_array();
    for (unsigned step = 0; step < MTF_LIFETIME_STEPS; step++)
        json_array_append_new(array, json_text_number(steps[step]));
    return array;
}

static json_t *lifetimes_object(const uint64_t bytes[MTF_LIFETIME_STEPS],
                                const uint64_t time[MTF_LIFETIME_STEPS])
{
    uint64_t blocks = lifetime_blocks(bytes);
    if (blocks == 0)
        return json_null();
    return json_pack("{s:o,s:o,s:o}",                    //
                     "blocks", json_text_number(blocks), //
                     "bytes", steps_array(bytes),        //
                     "time", steps_array(time));
}

json_t *usage_json_site(const struct snapshot *snapshot, uint32_t site)
{
    static const struct snapshot_usage none;
    static const uint64_t nothing[MTF_LIFETIME_STEPS];
    const struct snapshot_usage *usage = snapshot_usage(snapshot, site);
    const struct snapshot_lifetime *lifetime = snapshot_lifetime(snapshot, site);
    if (usage == NULL && lifetime == NULL)
        return json_null();
    if (usage == NULL)
        usage = &none;
    uint64_t live = snapshot->sites[site].figures.live_bytes;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}",                         //
                     "alignment", json_text_number(usage->alignment),     //
                     "moved_bytes", json_text_number(usage->moved_bytes), //
                     "usable_bytes",
                     usage->usable_bytes > 0 ? json_text_number(usage->usable_bytes)
                                             : json_null(),                                    //
                     "slack_bytes", json_text_number(figures_less(usage->usable_bytes, live)), //
                     "freed_by_other_thread", json_text_number(usage->other_thread),           //
                     "lifetimes",
                     lifetimes_object(lifetime != NULL ? lifetime->bytes : nothing,
                                      lifetime != NULL ? lifetime->ns : nothing));
}

/* ---- of the process ---- */

static json_t *name_of(const struct snapshot_name *name)
{
    return name->length > 0 ? json_text_bytes(name->bytes, name->length) : json_null();
}

static json_t *point_object(const struct snapshot *snapshot, const struct snapshot_point *point)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",                         //
                     "at_ns", json_text_number(point->at_ns),                     //
                     "sequence", json_text_number(point->sequence),               //
                     "heap_bytes", json_text_number(point->heap_bytes),           //
                     "heap_blocks", json_text_number(point->heap_blocks),         //
                     "heap_peak_bytes", json_text_number(point->heap_peak_bytes), //
                     "mapped_bytes", json_text_number(point->mapped_bytes),       //
                     "resident_bytes", json_text_number(point->resident),         //
                     "phase", name_of(&snapshot->phases[point->phase].name));
}

static int put_timeline(struct json_out *json)
{
    const struct snapshot *snapshot = json->snapshot;
    int error = 0;
    fputs("\"timeline\":[", json->out);
    for (uint32_t i = 0; i < snapshot->point_count && error == 0; i++)
        error = json_put_item(json->out, i, point_object(snapshot, &snapshot->points[i]));
    fputc(']', json->out);
    return error;
}

static json_t *phase_object(const struct phase_group *group)
{
    const struct figures *figures = &group->figures;
    return json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",          //
                     "name", name_of(&group->name), "count", (json_int_t)group->count, //
                     "at_ns", json_text_number(group->at_ns),                          //
                     "elapsed_ns", json_text_number(group->elapsed_ns),                //
                     "peak_bytes", json_text_number(figures->peak_bytes),              //
                     "live_bytes", json_text_number(figures->live_bytes),              //
                     "live_blocks", json_text_number(figures->live_blocks),            //
                     "allocated_bytes", json_text_number(figures->alloc_bytes),        //
                     "allocations", json_text_number(figures->allocs),                 //
                     "freed_bytes", json_text_number(figures->freed_bytes),            //
                     "frees", json_text_number(figures->frees),                        //
                     "temporary", json_text_number(figures->temporary),                //
                     "reallocs", json_text_number(figures->reallocs));
}

/* None where the program named none. */
static int put_phases(struct json_out *json)
{
    struct phase_groups groups;
    int error = phase_groups_build(&groups, json->snapshot);
    if (error != 0)
        return error;
    fputs(",\n\"phases\":[", json->out);
    for (uint32_t i = 0; i < groups.count && json->snapshot->phase_count > 1 && error == 0; i++)
        error = json_put_item(json->out, i, phase_object(&groups.groups[i]));
    fputc(']', json->out);
    phase_groups_free(&groups);
    return error;
}

static int put_sizes(struct json_out *json)
{
    const struct snapshot *snapshot = json->snapshot;
    size_t index = 0;
    int error = 0;
    fputs(",\n\"sizes\":[", json->out);
    for (uint32_t i = 0; snapshot->sizes != NULL && i < MTF_SIZES_COUNT && error == 0; i++) {
        if (snapshot->sizes[i] > 0)
            error =
                json_put_item(json->out, index++,
                              json_pack("{s:o,s:o}",                                           //
                                        "up_to_bytes", json_text_number(snapshot_size_top(i)), //
                                        "allocations", json_text_number(snapshot->sizes[i])));
    }
    fputc(']', json->out);
    return error;
}

int usage_json_put(struct json_out *json)
{
    struct lifetime_sum sum;
    fputs(",\n\"phase\":", json->out);
    int error = json_put_value(json->out, name_of(&json->snapshot->cut));
    fputs(",\n\"usage\":{", json->out);
    if (error == 0)
        error = put_timeline(json);
    if (error == 0)
        error = put_phases(json);
    if (error == 0)
        error = put_sizes(json);
    lifetime_sum(json->snapshot, &sum);
    fputs(",\n\"lifetimes\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, lifetimes_object(sum.bytes, sum.time));
    fputc('}', json->out);
    return error;
}
