#include "reader.h"
#include "reader_part.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int reader_damaged(struct reader *reader, const char *what, uint64_t index)
{
    return tables_fail(&reader->tables, -EBADMSG,
                       "is damaged (%s %" PRIu64 "); record the program again", what, index);
}

int reader_out_of_memory(struct reader *reader)
{
    return tables_fail(&reader->tables, -ENOMEM,
                       "does not fit into memory; read it on a larger machine");
}

int reader_name(struct reader *reader, mtf_name_ref ref, struct snapshot_name *name)
{
    struct mtf_name head;
    name->bytes = "";
    name->length = 0;
    if (ref == 0)
        return 0;
    if (ref % 4 != 0 || reader->names_size < sizeof head || ref > reader->names_size - sizeof head)
        return reader_damaged(reader, "name", ref);
    memcpy(&head, reader->snapshot->names + ref, sizeof head);
    uint64_t room = reader->names_size - ref - sizeof head;
    const char *bytes = reader->snapshot->names + ref + sizeof head;
    if (head.length >= room || bytes[head.length] != '\0')
        return reader_damaged(reader, "name", ref);
    name->bytes = bytes;
    name->length = head.length;
    return 0;
}

/* Converts `count` records into a new array. An empty table becomes one record of zeros where the
   plan says so: the process was caught before it wrote record 0. */
static int reader_convert_all(struct reader *reader, const struct reader_plan *plan,
                              const char *records, uint64_t count, void **array)
{
    uint64_t room = count == 0 ? 1 : count;
    int error = 0;
    char *targets = room < UINT32_MAX ? calloc((size_t)room, plan->target_size) : NULL;
    *array = targets;
    if (targets == NULL)
        return reader_out_of_memory(reader);
    for (uint32_t i = 0; i < count && error == 0; i++)
        error = plan->convert(reader, records + i * plan->record_size,
                              targets + i * plan->target_size, i);
    return error;
}

/* An end at which every counter stood still: exec and abort may yet come back. */
static bool reader_is_sealed(const struct reader *reader)
{
    uint32_t end = reader->tables.header.end_kind;
    return reader->snapshot->state == SNAPSHOT_ENDED && end != MTF_END_EXEC &&
           end != MTF_END_ABORT && end != MTF_END_SIGNAL &&
           !(reader->tables.header.flags & MTF_FLAG_UNSEALED);
}

/* How often the counters that a site belongs to reached a new peak. Pools have no peak of their own:
   their blocks lie in the heap's. */
static uint64_t reader_peak_epoch(const struct reader *reader, const struct mtf_site *site)
{
    const struct mtf_header *header = &reader->tables.header;
    return site->domain == MTF_DOMAIN_MAPPINGS ? header->mapped.peak_epoch
                                               : header->totals.peak_epoch;
}

/* What a site had at the last peak was without its shares: said before they are added. */
static void reader_add_share(struct mtf_site *site, const struct mtf_share *share, uint64_t epoch)
{
    if (site->peak_epoch != epoch) {
        site->at_peak_bytes = site->alloc_bytes - site->freed_bytes;
        site->at_peak_blocks = site->allocs - site->frees;
        site->peak_epoch = epoch;
    }
    site->allocs += share->allocs;
    site->alloc_bytes += share->alloc_bytes;
    site->frees += share->frees;
    site->freed_bytes += share->freed_bytes;
    site->temporary += share->temporary;
    site->reallocs += share->reallocs;
    site->zero_size += share->zero_size;
    if (share->largest > site->largest)
        site->largest = share->largest;
}

static void reader_at_least(uint64_t *counter, uint64_t least)
{
    if (*counter < least)
        *counter = least;
}

/* The process was killed, or is, between the two halves of a step: it is done here. A record that has more is
   of a process that went on meanwhile. */
static int reader_settle(struct reader *reader, struct mtf_site *sites, uint64_t site_count)
{
    const struct mtf_settle *settle = &reader->tables.header.settle;
    if (settle->share == 0)
        return 0;
    if (settle->site >= site_count)
        return reader_damaged(reader, "settlement of counters", settle->site);
    struct mtf_site *site = &sites[settle->site];
    const struct mtf_share nothing = {0};
    reader_add_share(site, &nothing, reader_peak_epoch(reader, site));
    reader_at_least(&site->allocs, settle->allocs);
    reader_at_least(&site->alloc_bytes, settle->alloc_bytes);
    reader_at_least(&site->frees, settle->frees);
    reader_at_least(&site->freed_bytes, settle->freed_bytes);
    reader_at_least(&site->temporary, settle->temporary);
    reader_at_least(&site->reallocs, settle->reallocs);
    reader_at_least(&site->zero_size, settle->zero_size);
    reader_at_least(&site->largest, settle->largest);
    return 0;
}

/* Adds what threads have counted apart to the raw site records. */
static int reader_add_shares(struct reader *reader, struct mtf_site *sites, uint64_t site_count)
{
    void *records;
    uint64_t count;
    int error =
        tables_read(&reader->tables, MTF_KIND_SHARES, sizeof(struct mtf_share), &records, &count);
    if (error != 0)
        return error;
    const struct mtf_share *shares = records;
    if (reader_is_sealed(reader))
        count = 0;
    else
        error = reader_settle(reader, sites, site_count);
    for (uint64_t i = 0; i < count && error == 0; i++) {
        bool settled = i + 1 == reader->tables.header.settle.share;
        if (settled || (shares[i].allocs == 0 && shares[i].frees == 0))
            continue;
        if (shares[i].site < site_count)
            reader_add_share(&sites[shares[i].site], &shares[i],
                             reader_peak_epoch(reader, &sites[shares[i].site]));
        else
            error = reader_damaged(reader, "share of counters", (uint32_t)i);
    }
    free(records);
    return error;
}

int reader_table(struct reader *reader, const struct reader_plan *plan, void **array,
                 uint32_t *array_count)
{
    void *records;
    uint64_t count;
    *array = NULL;
    int error = tables_read(&reader->tables, plan->kind, plan->record_size, &records, &count);
    if (error != 0)
        return error;
    *array_count = count == 0 && plan->unknown ? 1 : (uint32_t)count;
    if (plan->kind == MTF_KIND_SITES)
        error = reader_add_shares(reader, records, count);
    if (error == 0)
        error = reader_convert_all(reader, plan, records, count, array);
    free(records);
    return error;
}

static int reader_module(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_module *from = record;
    struct snapshot_module *to = target;
    struct snapshot_name path;
    int error = reader_name(reader, from->path, &path);
    if (error != 0)
        return error;
    if (from->build_id_length > MTF_BUILD_ID_MAX || from->start > from->end)
        return reader_damaged(reader, "module", index);
    to->path = path.bytes;
    to->flags = from->flags;
    to->build_id_length = from->build_id_length;
    memcpy(to->build_id, from->build_id, sizeof to->build_id);
    to->bias = from->bias;
    to->start = from->start;
    to->end = from->end;
    to->loaded = from->loaded;
    to->unloaded = from->unloaded;
    to->inode = from->inode;
    to->file_size = from->file_size;
    to->mtime_ns = from->mtime_ns;
    return 0;
}

static int reader_frame(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_frame *from = record;
    if (index == 0)
        return 0; /* the root's, whatever the file says */
    if (from->module >= reader->snapshot->module_count)
        return reader_damaged(reader, "frame", index);
    *(struct mtf_frame *)target = *from;
    return 0;
}

static int reader_node(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_node *from = record;
    if (index == 0)
        return 0;
    if (from->parent >= index || from->frame >= reader->frame_count)
        return reader_damaged(reader, "stack node", index);
    const struct mtf_frame *frame = &reader->frames[from->frame];
    *(struct snapshot_node *)target = (struct snapshot_node){
        .offset = frame->offset,
        .parent = from->parent,
        .module = frame->module,
        .flags = frame->flags,
    };
    return 0;
}

/* While the process runs, a block may be freed between the reads of its two counters. */
static uint64_t reader_difference(uint64_t more, uint64_t less)
{
    return more > less ? more - less : 0;
}

static void reader_figures(const struct mtf_site *from, uint64_t peak_epoch, struct figures *to)
{
    bool saved = from->peak_epoch == peak_epoch;
    to->allocs = from->allocs;
    to->alloc_bytes = from->alloc_bytes;
    to->frees = from->frees;
    to->freed_bytes = from->freed_bytes;
    to->live_blocks = reader_difference(from->allocs, from->frees);
    to->live_bytes = reader_difference(from->alloc_bytes, from->freed_bytes);
    to->peak_blocks = saved ? from->at_peak_blocks : to->live_blocks;
    to->peak_bytes = saved ? from->at_peak_bytes : to->live_bytes;
    to->temporary = from->temporary;
    to->largest = from->largest;
    to->reallocs = from->reallocs;
    to->zero_size = from->zero_size;
    to->failed = from->failed;
    to->inherited_blocks = from->inherited_blocks;
    to->inherited_bytes = from->inherited_bytes;
}

static struct figures *reader_sum(struct snapshot *snapshot, enum mtf_domain domain)
{
    switch (domain) {
    case MTF_DOMAIN_MAPPINGS:
        return &snapshot->mapped;
    case MTF_DOMAIN_POOLS:
        return &snapshot->pooled;
    default:
        return &snapshot->totals;
    }
}

static int reader_site(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_site *from = record;
    struct snapshot *snapshot = reader->snapshot;
    struct snapshot_site *to = target;
    if (from->node >= snapshot->node_count || from->domain >= MTF_DOMAIN_LIMIT)
        return reader_damaged(reader, "call site", index);
    to->node = from->node;
    to->domain = (enum mtf_domain)from->domain;
    reader_figures(from, reader_peak_epoch(reader, from), &to->figures);
    figures_add(reader_sum(snapshot, to->domain), &to->figures);
    if (from->frees > from->allocs || from->freed_bytes > from->alloc_bytes)
        snapshot->sums_differ = true;
    return reader_name(reader, from->path, &to->path);
}

static int reader_thread(struct reader *reader, const void *record, void *target, uint32_t index)
{
    const struct mtf_thread *from = record;
    struct snapshot_thread *to = target;
    (void)reader;
    (void)index;
    to->tid = from->tid;
    to->flags = from->flags;
    to->first_sequence = from->first_sequence;
    memcpy(to->name, from->name, sizeof from->name);
    to->allocs = from->allocs;
    to->alloc_bytes = from->alloc_bytes;
    to->frees = from->frees;
    to->freed_bytes = from->freed_bytes;
    to->stack_start = from->stack_start;
    to->stack_bytes = from->stack_bytes;
    to->stack_resident = from->stack_resident;
    return 0;
}

static const struct reader_plan plan_modules = {MTF_KIND_MODULES, sizeof(struct mtf_module),
                                                sizeof(struct snapshot_module), true,
                                                reader_module};
static const struct reader_plan plan_frames = {MTF_KIND_FRAMES, sizeof(struct mtf_frame),
                                               sizeof(struct mtf_frame), true, reader_frame};
static const struct reader_plan plan_nodes = {MTF_KIND_NODES, sizeof(struct mtf_node),
                                              sizeof(struct snapshot_node), true, reader_node};
static const struct reader_plan plan_sites = {MTF_KIND_SITES, sizeof(struct mtf_site),
                                              sizeof(struct snapshot_site), true, reader_site};
static const struct reader_plan plan_threads = {MTF_KIND_THREADS, sizeof(struct mtf_thread),
                                                sizeof(struct snapshot_thread), true,
                                                reader_thread};

static int reader_tables(struct reader *reader)
{
    struct snapshot *to = reader->snapshot;
    void *array;
    int error = reader_table(reader, &plan_modules, &array, &to->module_count);
    to->modules = array;
    if (error == 0 && to->modules[0].path == NULL)
        to->modules[0].path = "";
    if (error == 0) {
        error = reader_table(reader, &plan_frames, &array, &reader->frame_count);
        reader->frames = array;
    }
    if (error == 0) {
        error = reader_table(reader, &plan_nodes, &array, &to->node_count);
        to->nodes = array;
    }
    if (error == 0) {
        error = reader_table(reader, &plan_sites, &array, &to->site_count);
        to->sites = array;
    }
    if (error == 0) {
        error = reader_table(reader, &plan_threads, &array, &to->thread_count);
        to->threads = array;
    }
    if (error == 0)
        error = reader_leaks(reader);
    if (error == 0)
        error = reader_maps(reader);
    return error == 0 ? reader_usages(reader) : error;
}

static int reader_state(struct reader *reader)
{
    const struct mtf_header *from = &reader->tables.header;
    struct snapshot *to = reader->snapshot;
    if ((from->state != MTF_STATE_RUNNING && from->state != MTF_STATE_ENDED) ||
        from->end_kind >= MTF_END_LIMIT)
        return reader_damaged(reader, "state", from->state);
    to->state = from->state == MTF_STATE_ENDED ? SNAPSHOT_ENDED : SNAPSHOT_KILLED;
    to->end_kind = (enum mtf_end)from->end_kind;
    to->status_known = (from->flags & MTF_FLAG_STATUS) != 0;
    to->end_status = from->end_status;
    to->waited = (from->flags & MTF_FLAG_WAITED) != 0;
    to->wait_status = from->wait_status;
    to->start_time_ns = from->start_time_ns;
    if (to->state == SNAPSHOT_ENDED) {
        to->end_time_ns = from->end_time_ns;
        to->elapsed_ns = from->elapsed_ns;
    }
    return 0;
}

static void reader_facts(struct reader *reader)
{
    const struct mtf_header *from = &reader->tables.header;
    struct snapshot *to = reader->snapshot;
    to->forked = (from->flags & MTF_FLAG_FORKED) != 0;
    to->own_malloc = (from->flags & MTF_FLAG_OWN_MALLOC) != 0;
    to->other_allocator = (from->flags & MTF_FLAG_NEXT_ALLOCATOR) != 0;
    to->machine = from->machine;
    to->pid = from->pid;
    to->ppid = from->ppid;
    to->pid_start = from->pid_start;
    to->run_id = from->run_id;
    to->depth_limit = from->depth_limit;
    to->sample_limit = from->sample_limit;
    to->forked_sequence = from->forked_sequence;
    to->peak_sequence = from->totals.peak_sequence;
    to->peak_error = from->totals.peak_error;
    to->foreign_frees = from->totals.foreign_frees;
    to->boot_allocs = from->totals.boot_allocs;
    to->verified = from->totals.verified;
    to->verify_differences = from->totals.verify_differences;
    memcpy(to->lost, from->totals.lost, sizeof to->lost);
}

static int reader_names(struct reader *reader)
{
    const struct mtf_header *from = &reader->tables.header;
    struct snapshot *to = reader->snapshot;
    int error =
        tables_read(&reader->tables, MTF_KIND_NAMES, 1, (void **)&to->names, &reader->names_size);
    if (error == 0)
        error = reader_name(reader, from->program, &to->program);
    if (error == 0)
        error = reader_name(reader, from->executable, &to->executable);
    if (error == 0)
        error = reader_name(reader, from->arguments, &to->arguments);
    if (error == 0)
        error = reader_name(reader, from->folder, &to->folder);
    if (error == 0)
        error = reader_name(reader, from->host, &to->host);
    if (error == 0)
        error = reader_name(reader, from->next_allocator, &to->next_allocator);
    if (error == 0)
        error = reader_name(reader, from->suppressions, &to->suppressions);
    return error;
}

/* The peak is the process's own; the sums of the end must be those of the sites. */
static void reader_totals(struct reader *reader)
{
    const struct mtf_totals *from = &reader->tables.header.totals;
    struct snapshot *to = reader->snapshot;
    to->totals.peak_bytes = from->peak_bytes;
    to->totals.peak_blocks = from->peak_blocks;
    if (!reader_is_sealed(reader)) {
        to->sums_differ = false;
        return;
    }
    if (from->sealed_allocs != to->totals.allocs ||
        from->sealed_alloc_bytes != to->totals.alloc_bytes ||
        from->sealed_frees != to->totals.frees ||
        from->sealed_freed_bytes != to->totals.freed_bytes)
        to->sums_differ = true;
}

static int reader_fill(struct reader *reader)
{
    int error = reader_state(reader);
    if (error == 0)
        error = reader_names(reader);
    if (error == 0) {
        reader_facts(reader);
        error = reader_tables(reader);
    }
    if (error == 0)
        reader_totals(reader);
    return error;
}

int reader_parse(const struct tables_source *source, struct snapshot **out, char *message,
                 size_t message_size)
{
    struct reader reader = {0};
    *out = NULL;
    int error = tables_open(&reader.tables, source, message, message_size);
    if (error != 0)
        return error;
    reader.snapshot = calloc(1, sizeof *reader.snapshot);
    if (reader.snapshot == NULL)
        return reader_out_of_memory(&reader);
    error = reader_fill(&reader);
    free(reader.frames);
    if (error != 0) {
        snapshot_free(reader.snapshot);
        return error;
    }
    *out = reader.snapshot;
    return 0;
}
