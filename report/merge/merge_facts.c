/* The header of a merged report: what holds for all of its parts. */
#include "merge.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* The name as it is if it is so in all reports, or nothing. */
static void keep_name(struct merge *merge, mtf_name_ref *kept, bool *differs,
                      const struct snapshot_name *name)
{
    mtf_name_ref ref = report_build_name(&merge->build, name->bytes, name->length);
    if (merge->reports > 0 && *kept != ref)
        *differs = true;
    *kept = ref;
}

static void keep_names(struct merge *merge, const struct snapshot *from)
{
    struct mtf_header *header = &merge->build.header;
    keep_name(merge, &header->program, &merge->program_differs, &from->program);
    keep_name(merge, &header->executable, &merge->executable_differs, &from->executable);
    keep_name(merge, &header->host, &merge->host_differs, &from->host);
    if (merge->reports > 0 && header->run_id != from->run_id)
        merge->run_differs = true;
    header->run_id = from->run_id;
}

/* The signal that ended the process: 0 if none did, -1 if it is not known which. */
static int fatal_signal(const struct snapshot *from)
{
    if (from->waited && WIFSIGNALED(from->wait_status) && from->end_kind != MTF_END_EXEC)
        return WTERMSIG(from->wait_status);
    if (from->end_kind == MTF_END_SIGNAL)
        return from->end_status;
    if (from->end_kind == MTF_END_ABORT)
        return SIGABRT;
    return from->state == SNAPSHOT_KILLED ? -1 : 0;
}

/* Ended, unless one of them did not: nothing makes up for that. */
static void keep_end(struct merge *merge, const struct snapshot *from)
{
    struct mtf_header *header = &merge->build.header;
    int number = fatal_signal(from);
    merge->executed_all = merge->executed_all && from->end_kind == MTF_END_EXEC;
    if (header->state == MTF_STATE_RUNNING)
        return;
    header->state = number < 0 ? MTF_STATE_RUNNING : MTF_STATE_ENDED;
    if (number > 0) {
        header->end_kind = MTF_END_SIGNAL;
        header->end_status = number;
    }
    if (header->end_kind == MTF_END_SIGNAL)
        return;
    header->end_kind = MTF_END_EXIT;
    if (merge->reports > 0 && header->end_status != from->end_status)
        merge->statuses_differ = true;
    merge->statuses_differ |= !from->status_known;
    header->end_status = from->end_status;
}

static void keep_times(struct mtf_header *header, const struct snapshot *from, bool first)
{
    if (first || from->start_time_ns < header->start_time_ns)
        header->start_time_ns = from->start_time_ns;
    if (from->end_time_ns > header->end_time_ns)
        header->end_time_ns = from->end_time_ns;
}

void merge_facts(struct merge *merge, const struct snapshot *from)
{
    struct mtf_header *header = &merge->build.header;
    keep_names(merge, from);
    keep_end(merge, from);
    keep_times(header, from, merge->reports == 0);
    header->machine = from->machine;
    header->pointer_bits = 64;
    if (from->depth_limit > header->depth_limit)
        header->depth_limit = from->depth_limit;
    if (from->sample_limit > header->sample_limit)
        header->sample_limit = from->sample_limit;
}

/* Processes that ran side by side had at most the sum of their peaks, and at least the largest. */
static void totals_add_peak(struct merge *merge, const struct snapshot *from)
{
    struct mtf_totals *totals = &merge->build.header.totals;
    uint64_t least =
        from->totals.peak_bytes > from->peak_error ? from->totals.peak_bytes - from->peak_error : 0;
    totals->peak_bytes += from->totals.peak_bytes;
    totals->peak_blocks += from->totals.peak_blocks;
    totals->peak_epoch = 1;
    if (least > merge->least_peak)
        merge->least_peak = least;
    totals->peak_error = totals->peak_bytes - merge->least_peak;
}

void merge_totals(struct merge *merge, const struct snapshot *from)
{
    struct mtf_totals *totals = &merge->build.header.totals;
    struct mtf_mapped *mapped = &merge->build.header.mapped;
    totals_add_peak(merge, from);
    totals->sequence += from->totals.allocs;
    totals->current_bytes += from->totals.live_bytes;
    totals->current_blocks += from->totals.live_blocks;
    totals->foreign_frees += from->foreign_frees;
    totals->boot_allocs += from->boot_allocs;
    totals->sealed_allocs += from->totals.allocs;
    totals->sealed_alloc_bytes += from->totals.alloc_bytes;
    totals->sealed_frees += from->totals.frees;
    totals->sealed_freed_bytes += from->totals.freed_bytes;
    totals->verify_differences += from->verify_differences;
    totals->verified += from->verified;
    for (int reason = 0; reason < MTF_LOST_LIMIT; reason++)
        totals->lost[reason] += from->lost[reason];
    mapped->current_bytes += from->mapped.live_bytes;
    mapped->current_count += from->mapped.live_blocks;
    mapped->peak_bytes += from->mapped.peak_bytes;
    mapped->peak_count += from->mapped.peak_blocks;
    mapped->peak_epoch = 1;
    mapped->threads_created += from->memory.threads_created;
}

/* Counts of listed blocks were kept in a field that means nothing in a file. */
static void sites_clean(struct report_build *build)
{
    for (uint32_t id = 0; id < build->tables[MTF_KIND_SITES].count; id++)
        ((struct mtf_site *)report_build_at(build, MTF_KIND_SITES, id))->reserved2 = 0;
}

static void header_seal(struct merge *merge)
{
    struct mtf_header *header = &merge->build.header;
    if (merge->executed_all)
        header->end_kind = MTF_END_EXEC;
    if (header->end_kind == MTF_END_EXIT && !merge->statuses_differ)
        header->flags |= MTF_FLAG_STATUS;
    if (header->state == MTF_STATE_RUNNING) {
        header->end_kind = MTF_END_NONE;
        header->end_time_ns = 0;
    }
    if (header->end_time_ns > header->start_time_ns)
        header->elapsed_ns = (uint64_t)(header->end_time_ns - header->start_time_ns);
    if (merge->run_differs)
        header->run_id = 0;
    if (merge->executable_differs)
        header->executable = 0;
    if (merge->host_differs)
        header->host = 0;
}

int merge_end(struct merge *merge, const char *arguments, size_t length, const char *folder)
{
    static const char many[] = "several programs";
    struct mtf_header *header = &merge->build.header;
    if (merge->program_differs)
        header->program = report_build_name(&merge->build, many, strlen(many));
    header->arguments = report_build_name(&merge->build, arguments, length);
    header->folder = report_build_name(&merge->build, folder, strlen(folder));
    header_seal(merge);
    sites_clean(&merge->build);
    return merge->build.error;
}
