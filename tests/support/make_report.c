#include "make_report.h"
#include "fake_names.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

struct table {
    uint8_t *bytes;
    size_t record_size;
    size_t count;
    size_t room; /* records */
};

struct make_report {
    struct mtf_header header;
    struct table tables[MTF_KIND_LIMIT];
    uint8_t *file;
};

static const size_t record_sizes[MTF_KIND_LIMIT] = {
    [MTF_KIND_NAMES] = 1,
    [MTF_KIND_MODULES] = sizeof(struct mtf_module),
    [MTF_KIND_FRAMES] = sizeof(struct mtf_frame),
    [MTF_KIND_NODES] = sizeof(struct mtf_node),
    [MTF_KIND_SITES] = sizeof(struct mtf_site),
    [MTF_KIND_THREADS] = sizeof(struct mtf_thread),
    [MTF_KIND_BLOCKS] = sizeof(struct mtf_block),
    [MTF_KIND_SHARES] = sizeof(struct mtf_share),
    [MTF_KIND_MAPPINGS] = sizeof(struct mtf_mapping),
    [MTF_KIND_REGIONS] = sizeof(struct mtf_region),
    [MTF_KIND_CHECKS] = sizeof(struct mtf_check),
    [MTF_KIND_LOSSES] = sizeof(struct mtf_loss),
    [MTF_KIND_TIMELINE] = sizeof(struct mtf_point),
    [MTF_KIND_PHASES] = sizeof(struct mtf_phase),
    [MTF_KIND_SIZES] = sizeof(struct mtf_size),
    [MTF_KIND_USAGE] = sizeof(struct mtf_usage),
    [MTF_KIND_PHASE_SITES] = sizeof(struct mtf_phase_site),
    [MTF_KIND_LIFETIMES] = sizeof(struct mtf_lifetime),
};

static void *checked(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

/* Room for n more records, zeroed; the index of the first. */
static uint32_t table_add(struct make_report *report, enum mtf_kind kind, size_t n)
{
    struct table *table = &report->tables[kind];
    if (table->count + n > table->room) {
        table->room = 2 * (table->count + n);
        table->bytes = checked(realloc(table->bytes, table->room * table->record_size));
    }
    memset(table->bytes + table->count * table->record_size, 0, n * table->record_size);
    table->count += n;
    return (uint32_t)(table->count - n);
}

static void header_begin(struct mtf_header *header)
{
    memcpy(header->magic, MTF_MAGIC, sizeof header->magic);
    header->version = MTF_VERSION;
    header->header_size = MTF_HEADER_SIZE;
    header->byte_order = MTF_BYTE_ORDER;
    header->pointer_bits = 64;
    header->machine = 62;
    header->state = MTF_STATE_ENDED;
    header->end_kind = MTF_END_EXIT;
    header->start_time_ns = INT64_C(1714564800000000000);
    header->end_time_ns = INT64_C(1714564801234000000);
    header->elapsed_ns = 1234000000;
    header->pid = 4242;
    header->ppid = 4241;
    header->pid_start = 1;
    header->depth_limit = 256;
    header->sample_limit = 4;
}

struct make_report *make_report_new(void)
{
    struct make_report *report = checked(calloc(1, sizeof *report));
    header_begin(&report->header);
    for (int kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        report->tables[kind].record_size = record_sizes[kind];
    table_add(report, MTF_KIND_NAMES, 8);
    for (int kind = MTF_KIND_MODULES; kind <= MTF_KIND_THREADS; kind++)
        table_add(report, (enum mtf_kind)kind, 1);
    table_add(report, MTF_KIND_FRAMES, 1);
    return report;
}

void make_report_free(struct make_report *report)
{
    for (int kind = 0; kind < MTF_KIND_LIMIT; kind++)
        free(report->tables[kind].bytes);
    free(report->file);
    free(report);
}

struct mtf_header *make_report_header(struct make_report *report)
{
    return &report->header;
}

void *make_report_record(struct make_report *report, enum mtf_kind kind, uint32_t id)
{
    return report->tables[kind].bytes + id * report->tables[kind].record_size;
}

mtf_name_ref make_report_name(struct make_report *report, const char *bytes, size_t length)
{
    struct mtf_name head = {(uint32_t)length};
    uint32_t at = table_add(report, MTF_KIND_NAMES, sizeof head + ((length + 4) & ~(size_t)3));
    uint8_t *name = make_report_record(report, MTF_KIND_NAMES, at);
    memcpy(name, &head, sizeof head);
    memcpy(name + sizeof head, bytes, length);
    return at;
}

uint32_t make_report_module(struct make_report *report, const char *path, uint32_t flags)
{
    mtf_name_ref name = make_report_name(report, path, strlen(path));
    uint32_t id = table_add(report, MTF_KIND_MODULES, 1);
    struct mtf_module *module = make_report_record(report, MTF_KIND_MODULES, id);
    module->path = name;
    module->flags = flags;
    module->bias = UINT64_C(0x100000) * id;
    module->start = module->bias;
    module->end = module->bias + 0x10000;
    module->build_id_length = 4;
    memcpy(module->build_id, "\xde\xad\xbe\xef", 4);
    return id;
}

uint32_t make_report_node(struct make_report *report, uint32_t parent, uint32_t module,
                          uint64_t offset, uint32_t flags)
{
    uint32_t id = table_add(report, MTF_KIND_NODES, 1);
    struct mtf_node *node = make_report_record(report, MTF_KIND_NODES, id);
    *node = (struct mtf_node){.parent = parent, .frame = table_add(report, MTF_KIND_FRAMES, 1)};
    struct mtf_frame *frame = make_report_record(report, MTF_KIND_FRAMES, node->frame);
    *frame = (struct mtf_frame){.module = module, .offset = offset, .flags = flags};
    return id;
}

uint32_t make_report_site(struct make_report *report, uint32_t node)
{
    uint32_t id = table_add(report, MTF_KIND_SITES, 1);
    ((struct mtf_site *)make_report_record(report, MTF_KIND_SITES, id))->node = node;
    return id;
}

uint32_t make_report_thread(struct make_report *report, uint32_t tid, const char *name)
{
    uint32_t id = table_add(report, MTF_KIND_THREADS, 1);
    struct mtf_thread *thread = make_report_record(report, MTF_KIND_THREADS, id);
    thread->tid = tid;
    for (size_t i = 0; i < sizeof thread->name && name[i] != '\0'; i++)
        thread->name[i] = name[i];
    return id;
}

uint32_t make_report_share(struct make_report *report, const struct mtf_share *share)
{
    uint32_t id = table_add(report, MTF_KIND_SHARES, 1);
    *(struct mtf_share *)make_report_record(report, MTF_KIND_SHARES, id) = *share;
    return id;
}

uint32_t make_report_block(struct make_report *report, const struct mtf_block *block)
{
    uint32_t id = table_add(report, MTF_KIND_BLOCKS, 1);
    *(struct mtf_block *)make_report_record(report, MTF_KIND_BLOCKS, id) = *block;
    return id;
}

uint32_t make_report_add(struct make_report *report, enum mtf_kind kind, const void *record)
{
    uint32_t id = table_add(report, kind, 1);
    memcpy(make_report_record(report, kind, id), record, report->tables[kind].record_size);
    return id;
}

void make_report_count(struct make_report *report, uint32_t site, uint64_t allocs, uint64_t frees,
                       uint64_t size)
{
    struct mtf_site *record = make_report_record(report, MTF_KIND_SITES, site);
    record->allocs += allocs;
    record->alloc_bytes += allocs * size;
    record->frees += frees;
    record->freed_bytes += frees * size;
    if (size > record->largest)
        record->largest = size;
    if (size == 0)
        record->zero_size += allocs;
}

void make_report_seal(struct make_report *report)
{
    struct mtf_totals *totals = &report->header.totals;
    totals->sealed_allocs = totals->sealed_alloc_bytes = 0;
    totals->sealed_frees = totals->sealed_freed_bytes = 0;
    for (uint32_t id = 0; id < report->tables[MTF_KIND_SITES].count; id++) {
        const struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, id);
        if (site->domain != MTF_DOMAIN_HEAP)
            continue;
        totals->sealed_allocs += site->allocs;
        totals->sealed_alloc_bytes += site->alloc_bytes;
        totals->sealed_frees += site->frees;
        totals->sealed_freed_bytes += site->freed_bytes;
    }
    totals->sequence = totals->sealed_allocs;
    totals->current_blocks = totals->sealed_allocs - totals->sealed_frees;
    totals->current_bytes = totals->sealed_alloc_bytes - totals->sealed_freed_bytes;
    if (totals->peak_bytes == 0) {
        totals->peak_bytes = totals->current_bytes;
        totals->peak_blocks = totals->current_blocks;
    }
}

static size_t round_to_page(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* Adds the bytes [from, from + piece) of each table that has as many. Returns the file's end. */
static size_t layout_round(struct make_report *report, size_t from, size_t piece, size_t end)
{
    struct mtf_header *header = &report->header;
    for (uint32_t kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        const struct table *table = &report->tables[kind];
        size_t size = table->count * table->record_size;
        size_t room = piece > 0 ? piece : round_to_page(size);
        if (from >= size)
            continue;
        if (header->extent_count == MTF_EXTENT_MAX)
            abort();
        header->extents[header->extent_count++] =
            (struct mtf_extent){.kind = kind, .offset = end, .length = room};
        report->file = checked(realloc(report->file, end + room));
        memset(report->file + end, 0, room);
        memcpy(report->file + end, table->bytes + from, size - from < room ? size - from : room);
        end += room;
    }
    return end;
}

const uint8_t *make_report_bytes(struct make_report *report, size_t piece, size_t *size)
{
    struct mtf_header *header = &report->header;
    size_t end = MTF_HEADER_SIZE, before, from = 0;
    report->file = checked(realloc(report->file, end));
    memset(header->extents, 0, sizeof header->extents);
    header->extent_count = 0;
    do {
        before = end;
        end = layout_round(report, from, piece, end);
        from += piece;
    } while (piece > 0 && end > before);
    for (int kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        header->tables[kind].record_size = (uint32_t)report->tables[kind].record_size;
        header->tables[kind].count = report->tables[kind].count;
    }
    header->file_size = end;
    memcpy(report->file, header, sizeof *header);
    *size = end;
    return report->file;
}

static void sample_facts(struct make_report *report)
{
    static const char arguments[] = "./demo\0--fast\0two words";
    struct mtf_header *header = make_report_header(report);
    header->program = make_report_name(report, "demo", 4);
    header->executable = make_report_name(report, "/home/me/demo", 13);
    header->arguments = make_report_name(report, arguments, sizeof arguments - 1);
    header->folder = make_report_name(report, "/home/me", 8);
    header->host = make_report_name(report, "box", 3);
    header->flags = MTF_FLAG_STATUS;
    header->end_status = 3;
    header->totals.peak_bytes = 8000;
    header->totals.peak_blocks = 70;
    header->totals.peak_epoch = 9;
}

struct sample_modules {
    uint32_t demo;
    uint32_t libc;
    uint32_t libstdcxx;
    uint32_t stripped;
};

/* A leak in C, below a chain of inlined calls. */
static void sample_leak(struct make_report *report, const struct sample_modules *modules,
                        uint32_t main_node)
{
    uint32_t node = make_report_node(report, main_node, modules->demo, FAKE_INLINED, 0);
    node = make_report_node(report, node, modules->demo, FAKE_LEAK, 0);
    uint32_t site = make_report_site(report, node);
    uint32_t thread = make_report_thread(report, 4242, "demo");
    make_report_count(report, site, 5, 2, 1500);
    for (uint64_t i = 0; i < 3; i++) {
        struct mtf_block block = {.address = 0x55550000 + i * 0x1000,
                                  .size = 1500,
                                  .usable = 1512,
                                  .sequence = 10 + i,
                                  .site = site,
                                  .thread = thread};
        make_report_block(report, &block);
    }
}

/* C++: the cause is behind operator new and a container's insides. */
static void sample_container(struct make_report *report, const struct sample_modules *modules,
                             uint32_t main_node)
{
    uint32_t node = make_report_node(report, main_node, modules->demo, FAKE_FILL, 0);
    node = make_report_node(report, node, modules->demo, FAKE_VECTOR, 0);
    node = make_report_node(report, node, modules->libstdcxx, FAKE_NEW, 0);
    uint32_t site = make_report_site(report, node);
    make_report_count(report, site, 60, 60, 64);
    struct mtf_site *record = make_report_record(report, MTF_KIND_SITES, site);
    record->temporary = 40;
    record->peak_epoch = 9;
    record->at_peak_bytes = 3500;
    record->at_peak_blocks = 67;
}

/* A stack that was cut, in a module without names; and requests that failed. */
static void sample_stripped(struct make_report *report, const struct sample_modules *modules)
{
    uint32_t node = make_report_node(report, 0, 0, 0, MTF_NODE_CUT);
    node = make_report_node(report, node, modules->stripped, 0x1234, 0);
    uint32_t site = make_report_site(report, node);
    make_report_count(report, site, 2, 2, 0);
    struct mtf_site *record = make_report_record(report, MTF_KIND_SITES, site);
    record->reallocs = 1;
    record->failed = 4;
}

struct make_report *make_report_sample(void)
{
    struct make_report *report = make_report_new();
    sample_facts(report);
    struct sample_modules modules = {
        .demo = make_report_module(report, "/home/me/demo", MTF_MODULE_PROGRAM),
        .libc = make_report_module(report, "/lib/libc.so.6", 0),
        .libstdcxx = make_report_module(report, "/lib/libstdc++.so.6", 0),
        .stripped = make_report_module(report, "/opt/libplain.so", 0),
    };
    uint32_t start = make_report_node(report, 0, modules.libc, FAKE_START, 0);
    uint32_t main_node = make_report_node(report, start, modules.demo, FAKE_MAIN, 0);
    sample_leak(report, &modules, main_node);
    sample_container(report, &modules, main_node);
    sample_stripped(report, &modules);
    make_report_seal(report);
    return report;
}

/* `kind` of a site's blocks, in the check at the exit. */
static void leaky_loss(struct make_report *report, uint32_t node, enum mtf_leak_kind kind,
                       const struct mtf_loss *figures, uint32_t example)
{
    struct mtf_loss loss = *figures;
    struct mtf_check *check = make_report_record(report, MTF_KIND_CHECKS, 0);
    check->blocks[kind] += loss.blocks;
    check->bytes[kind] += loss.bytes;
    loss.site = make_report_site(report, node);
    loss.kind = kind;
    loss.example = example;
    make_report_count(report, loss.site, loss.blocks, 0, loss.bytes / loss.blocks);
    make_report_add(report, MTF_KIND_LOSSES, &loss);
}

/* Two blocks of a list: the second is held by the first alone. */
static void leaky_blocks(struct make_report *report)
{
    struct mtf_block block = {.address = 0x7000,
                              .size = 48,
                              .usable = 56,
                              .sequence = 60,
                              .site = 4,
                              .thread = 1,
                              .kind = MTF_LEAK_DEFINITE,
                              .contents = make_report_name(report, "head\0\001\xff of it", 13)};
    uint32_t holder = make_report_block(report, &block);
    block = (struct mtf_block){.address = 0x8000,
                               .size = 32,
                               .sequence = 61,
                               .site = 6,
                               .thread = 1,
                               .kind = MTF_LEAK_INDIRECT,
                               .holder = 1 + holder};
    make_report_block(report, &block);
}

struct make_report *make_report_leaky(void)
{
    const struct mtf_check check = {.sequence = 80,
                                    .at_ns = 1230000000,
                                    .elapsed_ns = 2000000,
                                    .threads = 1,
                                    .scanned_bytes = 123456};
    struct make_report *report = make_report_sample();
    uint32_t program = 1, libstdcxx = 3;
    make_report_add(report, MTF_KIND_CHECKS, &check);
    leaky_blocks(report);
    uint32_t main_node = make_report_node(report, 0, program, FAKE_MAIN, 0);
    uint32_t leak = make_report_node(report, main_node, program, FAKE_LEAK, 0);
    uint32_t by_new = make_report_node(report, leak, libstdcxx, FAKE_NEW, 0);
    uint32_t fill = make_report_node(report, main_node, program, FAKE_FILL, 0);
    uint32_t inner = make_report_node(report, fill, program, FAKE_INLINED, 0);
    const struct mtf_loss held = {
        .blocks = 1, .bytes = 48, .indirect_blocks = 3, .indirect_bytes = 96};
    leaky_loss(report, leak, MTF_LEAK_DEFINITE, &held, 4);
    leaky_loss(report, by_new, MTF_LEAK_DEFINITE, &(struct mtf_loss){.blocks = 1, .bytes = 8}, 0);
    leaky_loss(report, fill, MTF_LEAK_INDIRECT, &(struct mtf_loss){.blocks = 3, .bytes = 96}, 5);
    leaky_loss(report, inner, MTF_LEAK_POSSIBLE, &(struct mtf_loss){.blocks = 2, .bytes = 4096}, 0);
    leaky_loss(report, main_node, MTF_LEAK_REACHABLE,
               &(struct mtf_loss){.blocks = 5, .bytes = 5000}, 0);
    make_report_seal(report);
    return report;
}

struct make_report *make_report_large(uint32_t sites, uint32_t depth)
{
    struct make_report *report = make_report_new();
    uint32_t module = make_report_module(report, "/usr/bin/large", MTF_MODULE_PROGRAM);
    uint32_t shared = 0;
    for (uint32_t frame = 0; frame < depth / 2; frame++)
        shared = make_report_node(report, shared, module, 0x1000 + frame * 16, 0);
    for (uint32_t i = 0; i < sites; i++) {
        uint32_t node = shared;
        for (uint32_t frame = depth / 2; frame < depth; frame++)
            node =
                make_report_node(report, node, module, 0x10000 + (i * 7 + frame) % 50000 * 16, 0);
        uint32_t site = make_report_site(report, node);
        make_report_count(report, site, i % 97 + 1, i % 3 == 0 ? 0 : i % 97 + 1, 16 + i % 1000);
    }
    make_report_seal(report);
    return report;
}

struct make_report *make_report_measured(void)
{
    struct make_report *report = make_report_sample();
    const struct mtf_phase phases[] = {{.peak_bytes = 100},
                                       {.name = make_report_name(report, "load", 4), .at_ns = 5},
                                       {.name = make_report_name(report, "serve", 5), .at_ns = 9}};
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        make_report_add(report, MTF_KIND_PHASES, &phases[i]);
    const struct mtf_phase_site sites[] = {
        {.phase = 1, .site = 1, .allocs = 3, .alloc_bytes = 4500},
        {.phase = 1,
         .site = 2,
         .allocs = 20,
         .alloc_bytes = 1280,
         .frees = 10,
         .freed_bytes = 640}};
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++)
        make_report_add(report, MTF_KIND_PHASE_SITES, &sites[i]);
    for (uint64_t at = 1; at < 20; at++) {
        const struct mtf_point point = {
            .at_ns = at * 1000, .heap_bytes = at * 10, .heap_peak_bytes = at * 11};
        make_report_add(report, MTF_KIND_TIMELINE, &point);
    }
    for (uint64_t i = 0; i < MTF_SIZES_COUNT; i++)
        make_report_add(report, MTF_KIND_SIZES, &(struct mtf_size){i < 1100 ? i % 7 : 0});
    const struct mtf_usage usage = {1, 64, 100, 5000, 3};
    make_report_add(report, MTF_KIND_USAGE, &usage);
    const struct mtf_lifetime lifetime = {.site = 1, .bytes = {1, 2}, .ns = {0, 3}};
    make_report_add(report, MTF_KIND_LIFETIMES, &lifetime);
    return report;
}
