/*
 * What a page says of each report besides its call stacks: the verdict, the timeline, threads, histograms.
 */
#include "page_part.h"
#include "summary.h"
#include "usage/lifetime_sum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Beginnings of phases in the timeline: more would be one dark mass. */
#define PHASES_DRAWN 400
/* Threads in the table, those that allocated most. */
#define THREADS_LISTED 1000

static int put_string_member(FILE *out, const char *name, const char *bytes, size_t length)
{
    fprintf(out, ",\n\"%s\":", name);
    return page_put_string(out, bytes, length);
}

/* The lines of the text report's head, as they are. */
static int put_summary(FILE *out, const struct snapshot *snapshot)
{
    char *text = NULL;
    size_t length;
    FILE *memory = open_memstream(&text, &length);
    int error = memory != NULL ? summary_print(memory, snapshot, false) : -ENOMEM;
    if (memory != NULL && fclose(memory) != 0)
        error = -ENOMEM;
    if (error == 0)
        error = put_string_member(out, "summary", text, length);
    free(text);
    return error;
}

static int put_process(FILE *out, const struct snapshot *snapshot)
{
    static const char *const states[] = {"running", "ended", "killed"};
    fputs("\n{\"file\":", out);
    int error = page_put_string(out, snapshot->path, strlen(snapshot->path));
    if (error == 0)
        error =
            put_string_member(out, "program", snapshot->program.bytes, snapshot->program.length);
    if (error == 0)
        error = put_summary(out, snapshot);
    fprintf(out,
            ",\n\"pid\":%d,\"state\":\"%s\",\"started\":%" PRId64 ",\"elapsed\":", snapshot->pid,
            states[snapshot->state], snapshot->start_time_ns / 1000000);
    page_put_number(out, snapshot->elapsed_ns);
    fprintf(out, ",\"ownMalloc\":%s", snapshot->own_malloc ? "true" : "false");
    fputs(",\"missed\":", out);
    page_put_number(out, snapshot_lost(snapshot));
    return error;
}

static void put_totals(struct page_writer *writer, const struct snapshot *snapshot)
{
    uint64_t values[PAGE_WIDTH_MAX];
    page_columns(&snapshot->totals, 0, values);
    fputs(",\n\"totals\":[0", writer->out);
    page_put_values(writer, values, PAGE_COLUMNS);
    page_columns(&snapshot->mapped, 0, values);
    fputs("],\"mapped\":[0", writer->out);
    page_put_values(writer, values, PAGE_COLUMNS);
    fputc(']', writer->out);
}

/* "[time, heap, peak since the point before, mapped, resident, phase]" */
static void put_points(FILE *out, const struct snapshot *snapshot)
{
    fputs(",\n\"points\":[", out);
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        const struct snapshot_point *point = &snapshot->points[i];
        const uint64_t values[] = {point->heap_bytes, point->heap_peak_bytes, point->mapped_bytes,
                                   point->resident};
        fputs(i > 0 ? ",[" : "[", out);
        page_put_number(out, point->at_ns);
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            fputc(',', out);
            page_put_number(out, values[j]);
        }
        fprintf(out, ",%" PRIu32 "]", point->phase);
    }
    fputc(']', out);
}

static int put_phases(FILE *out, const struct snapshot *snapshot)
{
    int error = 0;
    fputs(",\n\"phases\":[", out);
    for (uint32_t i = 0; i < snapshot->phase_count && i < PHASES_DRAWN && error == 0; i++) {
        const struct snapshot_phase *phase = &snapshot->phases[i];
        fputs(i > 0 ? ",[" : "[", out);
        page_put_number(out, phase->at_ns);
        fputc(',', out);
        error = page_put_string(out, phase->name.bytes, phase->name.length);
        fputc(']', out);
    }
    fputc(']', out);
    return error;
}

/* "[thread id, name, allocations, bytes, frees, freed bytes, stack, resident stack]" */
static int put_thread(FILE *out, const struct snapshot_thread *thread)
{
    const uint64_t values[] = {thread->allocs,      thread->alloc_bytes, thread->frees,
                               thread->freed_bytes, thread->stack_bytes, thread->stack_resident};
    fprintf(out, "[%" PRIu32 ",", thread->tid);
    int error = page_put_string(out, thread->name, strlen(thread->name));
    for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
        fputc(',', out);
        page_put_number(out, values[j]);
    }
    fputc(']', out);
    return error;
}

static int thread_compare(const void *left, const void *right)
{
    const struct snapshot_thread *a = *(const struct snapshot_thread *const *)left;
    const struct snapshot_thread *b = *(const struct snapshot_thread *const *)right;
    if (a->alloc_bytes != b->alloc_bytes)
        return a->alloc_bytes > b->alloc_bytes ? -1 : 1;
    return (a > b) - (a < b);
}

static int put_threads(FILE *out, const struct snapshot *snapshot)
{
    uint32_t count = snapshot->thread_count - 1; /* the first is the unknown one */
    const struct snapshot_thread **order = calloc((size_t)count + 1, sizeof(void *));
    int error = order != NULL ? 0 : -ENOMEM;
    fprintf(out, ",\n\"allThreads\":%" PRIu32 ",\"threads\":[", count);
    for (uint32_t i = 0; i < count && error == 0; i++)
        order[i] = &snapshot->threads[i + 1];
    if (error == 0)
        qsort(order, count, sizeof(void *), thread_compare);
    for (uint32_t i = 0; i < count && i < THREADS_LISTED && error == 0; i++) {
        fputs(i > 0 ? "," : "", out);
        error = put_thread(out, order[i]);
    }
    fputc(']', out);
    free(order);
    return error;
}

/* "[largest size, allocations]" of each bucket that has any. */
static void put_sizes(FILE *out, const struct snapshot *snapshot)
{
    bool any = false;
    fputs(",\n\"sizes\":[", out);
    for (uint32_t i = 0; snapshot->sizes != NULL && i < MTF_SIZES_COUNT; i++) {
        if (snapshot->sizes[i] == 0)
            continue;
        fputs(any ? ",[" : "[", out);
        page_put_number(out, snapshot_size_top(i));
        fputc(',', out);
        page_put_number(out, snapshot->sizes[i]);
        fputc(']', out);
        any = true;
    }
    fputc(']', out);
}

static void put_array(FILE *out, const char *name, const uint64_t *values, unsigned count)
{
    fprintf(out, ",\n\"%s\":[", name);
    for (unsigned i = 0; i < count; i++) {
        fputs(i > 0 ? "," : "", out);
        page_put_number(out, values[i]);
    }
    fputc(']', out);
}

static void put_usage(FILE *out, const struct snapshot *snapshot)
{
    struct lifetime_sum sum;
    uint64_t usable = 0, moved = 0, other = 0;
    for (uint32_t i = 0; i < snapshot->usage_count; i++) {
        const struct snapshot_usage *usage = &snapshot->usages[i];
        usable += usage->usable_bytes;
        moved += usage->moved_bytes;
        other += usage->other_thread;
    }
    lifetime_sum(snapshot, &sum);
    put_array(out, "lifetimeBytes", sum.bytes, MTF_LIFETIME_STEPS);
    put_array(out, "lifetimeTime", sum.time, MTF_LIFETIME_STEPS);
    put_array(out, "usage", (const uint64_t[]){usable, moved, other}, 3);
}

static int put_report(struct page_writer *writer, const struct snapshot *snapshot)
{
    int error = put_process(writer->out, snapshot);
    put_totals(writer, snapshot);
    put_points(writer->out, snapshot);
    if (error == 0)
        error = put_phases(writer->out, snapshot);
    if (error == 0)
        error = put_threads(writer->out, snapshot);
    put_sizes(writer->out, snapshot);
    put_usage(writer->out, snapshot);
    fputc('}', writer->out);
    return error;
}

int page_put_facts(struct page_writer *writer)
{
    int error = 0;
    fputs(",\n\"reports\":[", writer->out);
    for (unsigned report = 0; report < writer->page->count && error == 0; report++) {
        fputs(report > 0 ? "," : "", writer->out);
        error = put_report(writer, writer->page->snapshots[report]);
    }
    fputc(']', writer->out);
    return error;
}
