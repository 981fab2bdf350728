/*
 * What the process's memory consists of at its end, in a page: resident bytes by kind, the allocator's
 * share, and mappings that are still there.
 */
#include "leaks/leak_record.h"
#include "memory/memory_sum.h"
#include "page_part.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Mappings in the table, the largest first. */
#define MAPPINGS_LISTED 500

static void put_kinds(struct page_writer *writer, const struct memory_sum *sum)
{
    FILE *out = writer->out;
    fputs("\"kinds\":[", out);
    for (int kind = 0; kind < MTF_REGION_LIMIT; kind++) {
        const struct memory_part *part = &sum->kinds[kind];
        const uint64_t values[] = {part->bytes, part->resident, part->dirty, part->swapped};
        fprintf(out, "%s[\"%s\"", kind > 0 ? "," : "",
                memory_kind_name((enum mtf_region_kind)kind));
        page_put_values(writer, values, 4);
        fputc(']', out);
    }
    fputc(']', out);
}

/* "[address, bytes, kind, protection bits, file, leak kind, holds blocks]" */
static int put_mapping(struct page_writer *writer, const struct snapshot_mapping *mapping)
{
    FILE *out = writer->out;
    fprintf(out, "[\"0x%" PRIx64 "\",", mapping->address);
    page_put_number(out, mapping->length);
    fprintf(out, ",\"%s\",%" PRIu32 ",", memory_map_kind_name(mapping->kind),
            mapping->protection & 7);
    int error = page_put_string(out, mapping->path.bytes, mapping->path.length);
    fprintf(out, ",\"%s\",%d]", leak_kind_name(mapping->leak_kind),
            (mapping->mapping_flags & MTF_MAPPING_ALLOCATOR) != 0);
    return error;
}

static int mapping_compare(const void *left, const void *right)
{
    const struct snapshot_mapping *a = *(const struct snapshot_mapping *const *)left;
    const struct snapshot_mapping *b = *(const struct snapshot_mapping *const *)right;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return (a->address > b->address) - (a->address < b->address);
}

static int put_mappings(struct page_writer *writer, const struct snapshot *snapshot)
{
    const struct snapshot_mapping **order =
        calloc((size_t)snapshot->mapping_count + 1, sizeof(void *));
    int error = 0;
    if (order == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < snapshot->mapping_count; i++)
        order[i] = &snapshot->mappings[i];
    qsort(order, snapshot->mapping_count, sizeof(void *), mapping_compare);
    fprintf(writer->out, ",\"mappings\":{\"all\":%" PRIu32 ",\"rows\":[", snapshot->mapping_count);
    for (uint32_t i = 0; i < snapshot->mapping_count && i < MAPPINGS_LISTED && error == 0; i++) {
        fputs(i > 0 ? ",\n" : "\n", writer->out);
        error = put_mapping(writer, order[i]);
    }
    fputs("]}", writer->out);
    free(order);
    return error;
}

static int put_memory(struct page_writer *writer, const struct snapshot *snapshot)
{
    const struct mtf_mapped *memory = &snapshot->memory;
    struct memory_sum sum;
    memory_sum(snapshot, &sum);
    uint64_t live = snapshot->totals.live_bytes + snapshot->totals.inherited_bytes;
    const uint64_t values[] = {
        sum.all.resident,     memory->resident_peak, sum.in_use, sum.trimmable, live,
        memory->usable_bytes, memory->heap_at_peak,  sum.overlap};
    fputs("\n{", writer->out);
    put_kinds(writer, &sum);
    fputs(",\"sums\":[0", writer->out);
    page_put_values(writer, values, sizeof values / sizeof values[0]);
    fputs("]", writer->out);
    int error = put_mappings(writer, snapshot);
    fputc('}', writer->out);
    return error;
}

int page_put_memory(struct page_writer *writer)
{
    int error = 0;
    fputs(",\n\"memory\":[", writer->out);
    for (unsigned report = 0; report < writer->page->count && error == 0; report++) {
        fputs(report > 0 ? "," : "", writer->out);
        error = put_memory(writer, writer->page->snapshots[report]);
    }
    fputc(']', writer->out);
    return error;
}
