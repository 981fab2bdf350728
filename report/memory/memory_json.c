#include "memory_json.h"
#include "json_text.h"
#include "leaks/leak_record.h"
#include "memory_sum.h"

#include <sys/mman.h>

static json_t *name_or_null(const struct snapshot_name *name)
{
    return name->length > 0 ? json_text_bytes(name->bytes, name->length) : json_null();
}

static json_t *protection_string(uint32_t protection)
{
    char text[] = "---";
    if (protection & PROT_READ)
        text[0] = 'r';
    if (protection & PROT_WRITE)
        text[1] = 'w';
    if (protection & PROT_EXEC)
        text[2] = 'x';
    return json_string(text);
}

static json_t *mapping_object(const struct snapshot_mapping *mapping)
{
    return json_pack("{s:o,s:o,s:s,s:o,s:I,s:o,s:o,s:o,s:I,s:I,s:s,s:b,s:b}",     //
                     "address", json_text_number(mapping->address),               //
                     "bytes", json_text_number(mapping->length),                  //
                     "kind", memory_map_kind_name(mapping->kind),                 //
                     "protection", protection_string(mapping->protection),        //
                     "flags", (json_int_t)mapping->flags,                         //
                     "file", name_or_null(&mapping->path),                        //
                     "offset", json_text_number(mapping->offset),                 //
                     "sequence", json_text_number(mapping->sequence),             //
                     "site", (json_int_t)mapping->site,                           //
                     "thread", (json_int_t)mapping->thread,                       //
                     "leak", leak_kind_name(mapping->leak_kind),                  //
                     "inherited", mapping->mapping_flags & MTF_MAPPING_INHERITED, //
                     "holds_blocks", mapping->mapping_flags & MTF_MAPPING_ALLOCATOR);
}

static json_t *together_object(const struct snapshot *snapshot)
{
    struct memory_sum sum;
    memory_sum(snapshot, &sum);
    uint64_t mapped = snapshot->mapped.live_bytes;
    uint64_t apart = mapped > sum.overlap ? mapped - sum.overlap : 0;
    return json_pack("{s:o,s:o,s:o,s:o}",                                         //
                     "heap_bytes", json_text_number(snapshot->totals.live_bytes), //
                     "mapped_bytes", json_text_number(mapped),                    //
                     "overlap_bytes", json_text_number(sum.overlap),              //
                     "bytes", json_text_number(snapshot->totals.live_bytes + apart));
}

int memory_json_put_mappings(struct json_out *json)
{
    const struct snapshot *snapshot = json->snapshot;
    fputs("\"totals\":", json->out);
    int error = json_put_value(json->out, json_figures_object(&snapshot->mapped));
    fputs(",\"heap_at_peak\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, json_text_number(snapshot->memory.heap_at_peak));
    fputs(",\"together\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, together_object(snapshot));
    fputs(",\n\"at_end\":[", json->out);
    for (uint32_t i = 0; i < snapshot->mapping_count && error == 0; i++)
        error = json_put_item(json->out, i, mapping_object(&snapshot->mappings[i]));
    fputc(']', json->out);
    return error;
}

static json_t *region_object(const struct snapshot_region *region)
{
    return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:I}",             //
                     "start", json_text_number(region->start),            //
                     "end", json_text_number(region->end),                //
                     "kind", memory_kind_name(region->kind),              //
                     "protection", protection_string(region->protection), //
                     "resident", json_text_number(region->resident),      //
                     "dirty", json_text_number(region->dirty),            //
                     "swapped", json_text_number(region->swapped),        //
                     "file", name_or_null(&region->path),                 //
                     "thread", (json_int_t)region->thread);
}

static json_t *kinds_object(const struct memory_sum *sum)
{
    json_t *object = json_object();
    for (int kind = 0; kind < MTF_REGION_LIMIT; kind++) {
        const struct memory_part *part = &sum->kinds[kind];
        json_object_set_new(object, memory_kind_name((enum mtf_region_kind)kind),
                            json_pack("{s:o,s:o,s:o,s:o}",                          //
                                      "bytes", json_text_number(part->bytes),       //
                                      "resident", json_text_number(part->resident), //
                                      "dirty", json_text_number(part->dirty),       //
                                      "swapped", json_text_number(part->swapped)));
    }
    return object;
}

static json_t *figures_of_memory(const struct snapshot *snapshot)
{
    struct memory_sum sum;
    memory_sum(snapshot, &sum);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}",                                     //
                     "resident", json_text_number(snapshot->memory.resident),             //
                     "resident_peak", json_text_number(snapshot->memory.resident_peak),   //
                     "allocator_held", json_text_number(snapshot->memory.allocator_held), //
                     "allocator_free", json_text_number(snapshot->memory.allocator_free), //
                     "trimmable", json_text_number(sum.trimmable),                        //
                     "usable_bytes", json_text_number(snapshot->memory.usable_bytes),     //
                     "kinds", kinds_object(&sum));
}

int memory_json_put(struct json_out *json)
{
    const struct snapshot *snapshot = json->snapshot;
    fputs(",\n\"memory\":{\"at_end\":", json->out);
    int error = json_put_value(json->out, snapshot->region_count > 0 ? figures_of_memory(snapshot)
                                                                     : json_null());
    fputs(",\"threads_created\":", json->out);
    if (error == 0)
        error = json_put_value(json->out, json_text_number(snapshot->memory.threads_created));
    fputs(",\n\"regions\":[", json->out);
    for (uint32_t i = 0; i < snapshot->region_count && error == 0; i++)
        error = json_put_item(json->out, i, region_object(&snapshot->regions[i]));
    fputs("]}", json->out);
    return error;
}

json_t *memory_json_thread(const struct snapshot_thread *thread)
{
    return json_pack("{s:I,s:o,s:o,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",        //
                     "tid", (json_int_t)thread->tid,                             //
                     "name", json_text_string(thread->name),                     //
                     "first_sequence", json_text_number(thread->first_sequence), //
                     "main", thread->flags & MTF_THREAD_MAIN,                    //
                     "ended", thread->flags & MTF_THREAD_ENDED,                  //
                     "allocations", json_text_number(thread->allocs),            //
                     "allocated_bytes", json_text_number(thread->alloc_bytes),   //
                     "frees", json_text_number(thread->frees),                   //
                     "freed_bytes", json_text_number(thread->freed_bytes),       //
                     "stack_start", json_text_number(thread->stack_start),       //
                     "stack_bytes", json_text_number(thread->stack_bytes),       //
                     "stack_resident", json_text_number(thread->stack_resident));
}
