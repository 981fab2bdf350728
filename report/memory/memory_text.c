#include "memory_text.h"
#include "aggregate.h"
#include "amount.h"
#include "memory_sum.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MEMORY_TEXT_PIECES 3 /* mappings listed under their call site */
#define MEMORY_TEXT_OTHERS 3 /* unexplained regions listed */
#define MEMORY_TEXT_THREADS 20

/* ---- mappings ---- */

static void mappings_head(struct text *text, const struct memory_sum *sum)
{
    const struct snapshot *snapshot = text->snapshot;
    const struct figures *mapped = &snapshot->mapped;
    uint64_t heap = snapshot->totals.live_bytes;
    uint64_t apart = mapped->live_bytes > sum->overlap ? mapped->live_bytes - sum->overlap : 0;
    text_title(text, "Mappings");
    fprintf(text->out, "%s in %s at the end\n", amount_bytes(mapped->live_bytes).text,
            amount_noun(mapped->live_blocks, "mapping").text);
    fprintf(text->out, "  peak               %s in %s, with %s of heap at that moment\n",
            amount_bytes(mapped->peak_bytes).text, amount_noun(mapped->peak_blocks, "mapping").text,
            amount_bytes(snapshot->memory.heap_at_peak).text);
    fprintf(text->out, "  total mapped       %s\n", amount_bytes(mapped->alloc_bytes).text);
    fprintf(text->out, "  total unmapped     %s\n", amount_bytes(mapped->freed_bytes).text);
    fprintf(text->out, "  calls              %s (%s by mremap), %s gone, %s refused\n",
            amount_noun(mapped->allocs, "mapping").text, amount_count(mapped->reallocs).text,
            amount_count(mapped->frees).text, amount_count(mapped->failed).text);
    fprintf(text->out, "  heap and mappings  %s together at the end",
            amount_bytes(heap + apart).text);
    if (sum->overlap > 0)
        fprintf(text->out, "; %s of mappings hold heap blocks and count once",
                amount_bytes(sum->overlap).text);
    fputc('\n', text->out);
}

static void mapping_protection(FILE *out, uint32_t protection)
{
    fputc(protection & PROT_READ ? 'r' : '-', out);
    fputc(protection & PROT_WRITE ? 'w' : '-', out);
    fputc(protection & PROT_EXEC ? 'x' : '-', out);
}

static void mapping_print(struct text *text, const struct snapshot_mapping *mapping)
{
    fprintf(text->out, "        0x%" PRIx64 ": %s, ", mapping->address,
            amount_bytes(mapping->length).text);
    mapping_protection(text->out, mapping->protection);
    fprintf(text->out, " %s", memory_map_kind_name(mapping->kind));
    if (mapping->path.length > 0) {
        fputs(", ", text->out);
        terminal_put(text->out, mapping->path.bytes, mapping->path.length);
        fprintf(text->out, " from byte %s on", amount_count(mapping->offset).text);
    }
    if (mapping->mapping_flags & MTF_MAPPING_INHERITED)
        fputs(", from before the fork", text->out);
    fputc('\n', text->out);
}

static void mappings_of_site(struct text *text, uint32_t site)
{
    const struct snapshot *snapshot = text->snapshot;
    size_t shown = 0;
    for (uint32_t i = 0; i < snapshot->mapping_count; i++) {
        if (snapshot->mappings[i].site != site)
            continue;
        if (shown++ < MEMORY_TEXT_PIECES || text->options->full)
            mapping_print(text, &snapshot->mappings[i]);
    }
    if (shown == 0 && snapshot->sites[site].path.length > 0) {
        fputs("        of ", text->out);
        terminal_put(text->out, snapshot->sites[site].path.bytes,
                     snapshot->sites[site].path.length);
        fputc('\n', text->out);
    }
}

static void mappings_row_head(struct text *text, const struct figures *row, enum figures_key key)
{
    uint64_t value = figures_value(row, key);
    fprintf(text->out, "  [%" PRIu32 "] %s%s in %s%s, %s %s\n", ++text->number,
            text_style(text, TERMINAL_HEADING), amount_bytes(value).text,
            amount_noun(figures_count(row, key), "mapping").text, text_style(text, TERMINAL_PLAIN),
            amount_share(value, figures_value(&text->snapshot->mapped, key)).text,
            key == FIGURES_LIVE ? "of what is still mapped" : "of all that was mapped");
}

static int mappings_row(struct text *text, const struct aggregate_row *row, enum figures_key key)
{
    int error = text_load(text, row->site);
    if (error != 0)
        return error;
    mappings_row_head(text, &row->figures, key);
    text_stack_once(text, row->site);
    mappings_of_site(text, row->site);
    return 0;
}

static int mappings_section(struct text *text, const struct aggregate *aggregate,
                            enum figures_key key, const char *title)
{
    const struct aggregate_row **order = calloc(aggregate->count + 1, sizeof(void *));
    int error = 0;
    if (order == NULL)
        return -ENOMEM;
    size_t count = aggregate_order(aggregate, key, false, order);
    size_t shown = text_top(text, count, false);
    if (count > 0) {
        text_title(text, title);
        if (shown < count)
            fprintf(text->out, "the first %s of ", amount_count(shown).text);
        fprintf(text->out, "%s\n", amount_noun(count, "call site").text);
    }
    for (size_t i = 0; i < shown && error == 0; i++)
        error = mappings_row(text, order[i], key);
    free(order);
    return error;
}

int memory_text_mappings(struct text *text)
{
    struct aggregate aggregate;
    struct memory_sum sum;
    memory_sum(text->snapshot, &sum);
    int error = aggregate_build(&aggregate, text->snapshot, text->frames, AGGREGATE_SITE,
                                MTF_DOMAIN_MAPPINGS);
    progress_clear();
    if (error != 0)
        return error;
    if (aggregate.count > 0 && !text->snapshot->is_cut)
        mappings_head(text, &sum);
    error = mappings_section(text, &aggregate, FIGURES_LIVE, "Still mapped");
    if (error == 0)
        error = mappings_section(text, &aggregate, FIGURES_TOTAL, "Most bytes mapped");
    aggregate_free(&aggregate);
    return error;
}

/* ---- what the resident memory is ---- */

static void memory_line(struct text *text, const char *what, uint64_t bytes, uint64_t whole,
                        const char *note)
{
    if (bytes > 0)
        fprintf(text->out, "  %-29s %6s %10s%s\n", what, amount_share(bytes, whole).text,
                amount_short(bytes).text, note);
}

/* With how much of the heap is not what the program asked for. */
static void memory_heap(struct text *text, const struct memory_sum *sum)
{
    const struct snapshot *snapshot = text->snapshot;
    uint64_t heap = sum->kinds[MTF_REGION_HEAP].resident;
    uint64_t live = snapshot->totals.live_bytes + snapshot->totals.inherited_bytes;
    char note[96];
    snprintf(note, sizeof note, "  for %s of live blocks", amount_short(live).text);
    memory_line(text, "heap, pages with live blocks", sum->in_use, sum->all.resident, note);
    memory_line(text, "heap, pages without one", sum->trimmable, sum->all.resident,
                "  malloc_trim may give it back");
    snprintf(note, sizeof note, "  of the heap is not live blocks");
    memory_line(text, "  fragmentation", heap > live ? heap - live : 0, heap, note);
    if (snapshot->memory.usable_bytes > live)
        fprintf(text->out, "  %-29s %17s  that the allocator rounds up by\n", "    of that slack",
                amount_short(snapshot->memory.usable_bytes - live).text);
}

static void memory_others(struct text *text)
{
    const struct snapshot *snapshot = text->snapshot;
    size_t shown = 0;
    for (uint32_t i = 0; i < snapshot->region_count; i++) {
        const struct snapshot_region *region = &snapshot->regions[i];
        if (region->kind != MTF_REGION_OTHER || region->resident == 0)
            continue;
        if (shown++ >= MEMORY_TEXT_OTHERS && !text->options->full)
            continue;
        fprintf(text->out, "    0x%" PRIx64 ": %s resident, ", region->start,
                amount_short(region->resident).text);
        mapping_protection(text->out, region->protection);
        fputc(' ', text->out);
        terminal_put(text->out, region->path.bytes, region->path.length);
        fputc('\n', text->out);
    }
}

int memory_text_resident(struct text *text)
{
    struct memory_sum sums;
    const struct memory_sum *sum = &sums;
    memory_sum(text->snapshot, &sums);
    const struct memory_part *kinds = sum->kinds;
    uint64_t whole = sum->all.resident;
    char note[160];
    if (text->snapshot->region_count == 0)
        return 0;
    text_title(text, "Memory of the process");
    fprintf(text->out, "%s resident at the end, %s at its most\n", amount_bytes(whole).text,
            amount_bytes(text->snapshot->memory.resident_peak).text);
    memory_heap(text, sum);
    memory_line(text, "mappings of the program", kinds[MTF_REGION_MAPPING].resident, whole, "");
    memory_line(text, "stacks of threads", kinds[MTF_REGION_STACK].resident, whole, "");
    snprintf(note, sizeof note, "  %s of it written: its own",
             amount_short(kinds[MTF_REGION_MODULE].dirty).text);
    memory_line(text, "program and libraries", kinds[MTF_REGION_MODULE].resident, whole, note);
    memory_line(text, "kernel's pages", kinds[MTF_REGION_KERNEL].resident, whole, "");
    memory_line(text, "memtrack itself", kinds[MTF_REGION_MEMTRACK].resident, whole, "");
    memory_line(text, "not explained", kinds[MTF_REGION_OTHER].resident, whole, "");
    memory_others(text);
    if (sum->all.swapped > 0)
        fprintf(text->out, "  %-29s %17s  besides\n", "swapped out",
                amount_short(sum->all.swapped).text);
    return 0;
}

/* ---- threads ---- */

static void thread_print(struct text *text, const struct snapshot_thread *thread)
{
    fprintf(text->out, "  %" PRIu32 " ", thread->tid);
    terminal_put_string(text->out, thread->name);
    fprintf(text->out, "%s%s: %s in %s, freed %s in %s\n",
            thread->flags & MTF_THREAD_MAIN ? ", the first" : "",
            thread->flags & MTF_THREAD_ENDED ? ", ended" : "",
            amount_short(thread->alloc_bytes).text, amount_noun(thread->allocs, "allocation").text,
            amount_short(thread->freed_bytes).text, amount_count(thread->frees).text);
    if (thread->stack_bytes > 0)
        fprintf(text->out, "        stack of %s, %s resident\n",
                amount_short(thread->stack_bytes).text, amount_short(thread->stack_resident).text);
}

static int thread_compare(const void *left, const void *right)
{
    const struct snapshot_thread *a = *(const struct snapshot_thread *const *)left;
    const struct snapshot_thread *b = *(const struct snapshot_thread *const *)right;
    if (a->alloc_bytes != b->alloc_bytes)
        return a->alloc_bytes < b->alloc_bytes ? 1 : -1;
    return (a > b) - (a < b);
}

int memory_text_threads(struct text *text)
{
    const struct snapshot *snapshot = text->snapshot;
    size_t count = snapshot->thread_count - 1; /* record 0 is the unknown one */
    if (count < 2 && snapshot->memory.threads_created == 0)
        return 0;
    const struct snapshot_thread **order = calloc(count + 1, sizeof(void *));
    if (order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        order[i] = &snapshot->threads[i + 1];
    qsort(order, count, sizeof(void *), thread_compare);
    text_title(text, "Threads");
    fprintf(text->out, "%s allocated or mapped, %s created\n", amount_noun(count, "thread").text,
            amount_count(snapshot->memory.threads_created).text);
    size_t shown = text->options->full || count < MEMORY_TEXT_THREADS ? count : MEMORY_TEXT_THREADS;
    for (size_t i = 0; i < shown; i++)
        thread_print(text, order[i]);
    if (shown < count)
        fprintf(text->out, "  ... %s more (--full shows them)\n", amount_count(count - shown).text);
    free(order);
    return 0;
}
