#include "merge.h"
#include "leaks/leak_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One report that is being added: ids of its records, and what they became. */
struct merge_input {
    struct merge *merge;
    const struct snapshot *from;
    uint32_t *modules;
    uint32_t *nodes;
    uint32_t *sites;
    uint32_t *blocks; /* 0: left out */
    uint32_t first_thread;
};

static struct report_build *build_of(const struct merge_input *input)
{
    return &input->merge->build;
}

static mtf_name_ref name_of(const struct merge_input *input, const struct snapshot_name *name)
{
    return report_build_name(build_of(input), name->bytes, name->length);
}

/* What makes two modules the same file; without a build-id also size and time. The path follows. */
struct module_key {
    uint64_t low;
    uint64_t high;
    uint64_t inode;
    uint64_t file_size;
    int64_t mtime_ns;
    uint32_t flags;
    uint32_t build_id_length;
    uint8_t build_id[MTF_BUILD_ID_MAX];
};

static void module_key_fill(struct module_key *key, const struct snapshot_module *from)
{
    memset(key, 0, sizeof *key);
    key->low = from->start - from->bias;
    key->high = from->end - from->bias;
    key->flags = from->flags;
    key->build_id_length = from->build_id_length;
    memcpy(key->build_id, from->build_id, from->build_id_length);
    if (from->build_id_length == 0) {
        key->inode = from->inode;
        key->file_size = from->file_size;
        key->mtime_ns = from->mtime_ns;
    }
}

static void module_fill(struct mtf_module *to, const struct snapshot_module *from,
                        mtf_name_ref path)
{
    to->path = path;
    to->flags = from->flags;
    to->bias = from->bias;
    to->start = from->start;
    to->end = from->end;
    to->inode = from->inode;
    to->file_size = from->file_size;
    to->mtime_ns = from->mtime_ns;
    to->build_id_length = from->build_id_length;
    memcpy(to->build_id, from->build_id, sizeof to->build_id);
}

static uint32_t merge_module(const struct merge_input *input, const struct snapshot_module *from)
{
    struct report_build *build = build_of(input);
    size_t length = strlen(from->path);
    char *key = malloc(sizeof(struct module_key) + length);
    bool is_new;
    if (key == NULL) {
        build->error = -ENOMEM;
        return 0;
    }
    struct module_key fixed;
    module_key_fill(&fixed, from);
    memcpy(key, &fixed, sizeof fixed);
    memcpy(key + sizeof fixed, from->path, length);
    uint32_t id = report_build_intern(build, MTF_KIND_MODULES, key, sizeof fixed + length, &is_new);
    free(key);
    if (is_new) {
        mtf_name_ref path = report_build_name(build, from->path, length);
        module_fill(report_build_at(build, MTF_KIND_MODULES, id), from, path);
    }
    return id;
}

static void merge_modules(const struct merge_input *input)
{
    for (uint32_t i = 1; i < input->from->module_count; i++)
        input->modules[i] = merge_module(input, &input->from->modules[i]);
}

static uint32_t merge_frame(const struct merge_input *input, const struct snapshot_node *from)
{
    struct report_build *build = build_of(input);
    struct mtf_frame frame;
    bool is_new;
    memset(&frame, 0, sizeof frame);
    frame.offset = from->offset;
    frame.module = input->modules[from->module];
    frame.flags = from->flags;
    uint32_t id = report_build_intern(build, MTF_KIND_FRAMES, &frame, sizeof frame, &is_new);
    if (is_new)
        memcpy(report_build_at(build, MTF_KIND_FRAMES, id), &frame, sizeof frame);
    return id;
}

/* A parent comes before its children. */
static void merge_nodes(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    for (uint32_t i = 1; i < input->from->node_count; i++) {
        const struct snapshot_node *from = &input->from->nodes[i];
        const struct mtf_node node = {input->nodes[from->parent], merge_frame(input, from)};
        bool is_new;
        input->nodes[i] = report_build_intern(build, MTF_KIND_NODES, &node, sizeof node, &is_new);
        if (is_new)
            memcpy(report_build_at(build, MTF_KIND_NODES, input->nodes[i]), &node, sizeof node);
    }
}

static void site_add(struct mtf_site *to, const struct figures *from)
{
    to->allocs += from->allocs;
    to->alloc_bytes += from->alloc_bytes;
    to->frees += from->frees;
    to->freed_bytes += from->freed_bytes;
    to->peak_epoch = 1;
    to->at_peak_bytes += from->peak_bytes;
    to->at_peak_blocks += from->peak_blocks;
    to->largest = from->largest > to->largest ? from->largest : to->largest;
    to->temporary += from->temporary;
    to->reallocs += from->reallocs;
    to->zero_size += from->zero_size;
    to->failed += from->failed;
    to->inherited_blocks += from->inherited_blocks;
    to->inherited_bytes += from->inherited_bytes;
}

static void merge_sites(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    for (uint32_t i = 0; i < input->from->site_count; i++) {
        const struct snapshot_site *from = &input->from->sites[i];
        const uint32_t key[] = {input->nodes[from->node], (uint32_t)from->domain};
        bool is_new = false, unknown = key[0] == 0 && key[1] == MTF_DOMAIN_HEAP;
        uint32_t id =
            unknown ? 0 : report_build_intern(build, MTF_KIND_SITES, key, sizeof key, &is_new);
        mtf_name_ref path = is_new ? name_of(input, &from->path) : 0;
        struct mtf_site *to = report_build_at(build, MTF_KIND_SITES, id);
        input->sites[i] = id;
        if (is_new) {
            to->node = key[0];
            to->domain = key[1];
            to->path = path;
        }
        site_add(to, &from->figures);
    }
}

static void merge_threads(struct merge_input *input)
{
    struct report_build *build = build_of(input);
    input->first_thread = (uint32_t)build->tables[MTF_KIND_THREADS].count;
    for (uint32_t i = 1; i < input->from->thread_count; i++) {
        const struct snapshot_thread *from = &input->from->threads[i];
        struct mtf_thread *to =
            report_build_at(build, MTF_KIND_THREADS, report_build_add(build, MTF_KIND_THREADS));
        to->tid = from->tid;
        to->flags = from->flags;
        memcpy(to->name, from->name, sizeof to->name);
        to->allocs = from->allocs;
        to->alloc_bytes = from->alloc_bytes;
        to->frees = from->frees;
        to->freed_bytes = from->freed_bytes;
        to->stack_bytes = from->stack_bytes;
        to->stack_start = from->stack_start;
        to->stack_resident = from->stack_resident;
    }
}

static void block_fill(const struct merge_input *input, struct mtf_block *to,
                       const struct snapshot_block *from, mtf_name_ref contents)
{
    to->address = from->address;
    to->size = from->size;
    to->usable = from->usable;
    to->sequence = from->sequence;
    to->site = input->sites[from->site];
    to->thread = from->thread == 0 ? 0 : input->first_thread + from->thread - 1;
    to->kind = (uint32_t)from->kind;
    to->contents = contents;
}

/* How many blocks of a site are listed: of the first reports, as many as one report may list. */
static bool block_has_room(const struct merge_input *input, uint32_t site)
{
    struct report_build *build = build_of(input);
    struct mtf_site *to = report_build_at(build, MTF_KIND_SITES, site);
    return to->reserved2++ < build->header.sample_limit;
}

static void merge_blocks(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    for (uint32_t i = 0; i < input->from->block_count; i++) {
        const struct snapshot_block *from = &input->from->blocks[i];
        if (!block_has_room(input, input->sites[from->site]))
            continue;
        mtf_name_ref contents = name_of(input, &from->contents);
        uint32_t id = report_build_add(build, MTF_KIND_BLOCKS);
        input->blocks[i] = id + 1;
        block_fill(input, report_build_at(build, MTF_KIND_BLOCKS, id), from, contents);
    }
    for (uint32_t i = 0; i < input->from->block_count; i++) {
        uint32_t holder = input->from->blocks[i].holder;
        if (input->blocks[i] != 0 && holder != 0) {
            struct mtf_block *to = report_build_at(build, MTF_KIND_BLOCKS, input->blocks[i] - 1);
            to->holder = input->blocks[holder - 1];
        }
    }
}

static void merge_usages(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    for (uint32_t i = 0; i < input->from->usage_count; i++) {
        const struct snapshot_usage *from = &input->from->usages[i];
        bool is_new;
        uint32_t site = input->sites[from->site];
        uint32_t id = report_build_intern(build, MTF_KIND_USAGE, &site, sizeof site, &is_new);
        struct mtf_usage *to = report_build_at(build, MTF_KIND_USAGE, id);
        to->site = site;
        to->alignment = from->alignment > to->alignment ? from->alignment : to->alignment;
        to->moved_bytes += from->moved_bytes;
        to->usable_bytes += from->usable_bytes;
        to->other_thread += from->other_thread;
    }
}

static void merge_lifetimes(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    for (uint32_t i = 0; i < input->from->lifetime_count; i++) {
        const struct snapshot_lifetime *from = &input->from->lifetimes[i];
        bool is_new;
        uint32_t site = input->sites[from->site];
        uint32_t id = report_build_intern(build, MTF_KIND_LIFETIMES, &site, sizeof site, &is_new);
        struct mtf_lifetime *to = report_build_at(build, MTF_KIND_LIFETIMES, id);
        to->site = site;
        for (unsigned step = 0; step < MTF_LIFETIME_STEPS; step++) {
            to->bytes[step] += from->bytes[step];
            to->ns[step] += from->ns[step];
        }
    }
}

static void merge_sizes(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    if (input->from->sizes == NULL)
        return;
    while (build->error == 0 && build->tables[MTF_KIND_SIZES].count < MTF_SIZES_COUNT)
        report_build_add(build, MTF_KIND_SIZES);
    for (uint32_t i = 0; i < MTF_SIZES_COUNT; i++) {
        struct mtf_size *to = report_build_at(build, MTF_KIND_SIZES, i);
        to->allocs += input->from->sizes[i];
    }
}

static void check_add(struct mtf_check *to, const struct snapshot_check *from)
{
    to->elapsed_ns += from->elapsed_ns;
    to->pause_ns += from->pause_ns;
    to->scanned_bytes += from->scanned_bytes;
    to->threads += from->threads;
    to->unread_regions += from->unread_regions;
    for (int kind = 0; kind < MTF_LEAK_LIMIT; kind++) {
        to->blocks[kind] += from->blocks[kind];
        to->bytes[kind] += from->bytes[kind];
    }
}

/* A process whose blocks nobody told apart makes the sum one that is not told apart. */
static uint32_t check_failure(const struct snapshot *from, const struct snapshot_check *check)
{
    if (check != NULL)
        return (uint32_t)check->failure;
    bool matters =
        from->totals.live_blocks + from->mapped.live_blocks > 0 && from->end_kind != MTF_END_EXEC;
    if (!matters)
        return MTF_CHECK_COMPLETE;
    return from->state == SNAPSHOT_KILLED ? MTF_CHECK_IMPOSSIBLE : MTF_CHECK_MERGED;
}

static void merge_loss(const struct merge_input *input, const struct snapshot_loss *from)
{
    struct report_build *build = build_of(input);
    const uint32_t key[] = {input->sites[from->site], (uint32_t)from->kind};
    bool is_new;
    uint32_t id = report_build_intern(build, MTF_KIND_LOSSES, key, sizeof key, &is_new);
    struct mtf_loss *to = report_build_at(build, MTF_KIND_LOSSES, id);
    to->site = key[0];
    to->kind = key[1];
    to->blocks += from->blocks;
    to->bytes += from->bytes;
    to->indirect_blocks += from->indirect_blocks;
    to->indirect_bytes += from->indirect_bytes;
    if (to->example == 0 && from->example != 0)
        to->example = input->blocks[from->example - 1];
}

static void merge_leaks(const struct merge_input *input)
{
    struct report_build *build = build_of(input);
    const struct snapshot_check *from = snapshot_final_check(input->from);
    if (build->tables[MTF_KIND_CHECKS].count == 0)
        report_build_add(build, MTF_KIND_CHECKS);
    struct mtf_check *to = report_build_at(build, MTF_KIND_CHECKS, 0);
    unsigned all;
    leak_kinds_parse("all", &all);
    to->shown = all;
    uint32_t failure = check_failure(input->from, from);
    if (failure != MTF_CHECK_COMPLETE)
        to->failure = failure;
    if (from == NULL)
        return;
    check_add(to, from);
    for (uint32_t i = 0; i < from->loss_count; i++)
        merge_loss(input, &input->from->losses[from->first_loss + i]);
}

static bool input_begin(struct merge_input *input)
{
    const struct snapshot *from = input->from;
    input->modules = calloc(from->module_count, sizeof(uint32_t));
    input->nodes = calloc(from->node_count, sizeof(uint32_t));
    input->sites = calloc(from->site_count, sizeof(uint32_t));
    input->blocks = calloc((size_t)from->block_count + 1, sizeof(uint32_t));
    return input->modules != NULL && input->nodes != NULL && input->sites != NULL &&
           input->blocks != NULL;
}

static void input_end(struct merge_input *input)
{
    free(input->modules);
    free(input->nodes);
    free(input->sites);
    free(input->blocks);
}

static void input_add(struct merge_input *input)
{
    merge_facts(input->merge, input->from);
    merge_modules(input);
    merge_nodes(input);
    merge_sites(input);
    merge_threads(input);
    merge_blocks(input);
    merge_usages(input);
    merge_lifetimes(input);
    merge_sizes(input);
    merge_leaks(input);
    merge_totals(input->merge, input->from);
    input->merge->reports++;
}

/* NULL, or why the report may not be added. */
static const char *snapshot_objection(const struct merge *merge, const struct snapshot *snapshot)
{
    if (snapshot->state == SNAPSHOT_RUNNING)
        return "its process is still running; merge it when it has ended";
    if (snapshot->sums_differ)
        return "is damaged: its sums are not those of its call sites; record the program again";
    if (snapshot->own_malloc && snapshot->totals.allocs == 0)
        return "nothing was tracked in it, as the program brings its own malloc; leave it out";
    if (merge->reports > 0 && merge->build.header.machine != snapshot->machine)
        return "is from another kind of machine than the reports before it; merge them apart";
    return NULL;
}

int merge_add(struct merge *merge, const struct snapshot *snapshot, char *message,
              size_t message_size)
{
    struct merge_input input = {.merge = merge, .from = snapshot};
    const char *objection = snapshot_objection(merge, snapshot);
    if (objection != NULL) {
        snprintf(message, message_size, "%s: %s", snapshot->path, objection);
        return -EINVAL;
    }
    if (input_begin(&input))
        input_add(&input);
    else
        merge->build.error = -ENOMEM;
    input_end(&input);
    if (merge->build.error != 0)
        snprintf(message, message_size,
                 "%s: does not fit beside the reports before it; merge fewer", snapshot->path);
    return merge->build.error;
}

void merge_begin(struct merge *merge)
{
    *merge = (struct merge){.executed_all = true};
    report_build_begin(&merge->build);
}

void merge_free(struct merge *merge)
{
    report_build_free(&merge->build);
}
