#include "make_report.h"
#include "memtrack/publish.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Parses a copy of exactly that size, so that a sanitizer sees every read behind its end. */
static int parse(const uint8_t *bytes, size_t size, struct snapshot **snapshot, char *message)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int error = snapshot_parse(copy, size, snapshot, message, SNAPSHOT_MESSAGE_SIZE);
    free(copy);
    return error;
}

static struct snapshot *parse_report(struct make_report *report, size_t piece)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "";
    struct snapshot *snapshot;
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, piece, &size);
    int error = parse(bytes, size, &snapshot, message);
    if (error != 0)
        fail_msg("%s", message);
    return snapshot;
}

static void expect_refusal(const uint8_t *bytes, size_t size, int error, const char *words)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "";
    struct snapshot *snapshot;
    int result = parse(bytes, size, &snapshot, message);
    assert_null(snapshot);
    if (result != error || strstr(message, words) == NULL || strchr(message, '\n') != NULL)
        fail_msg("%d '%s' instead of %d '%s'", result, message, error, words);
}

static void expect_report_refusal(struct make_report *report, const char *words)
{
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    expect_refusal(bytes, size, -EBADMSG, words);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct snapshot *snapshot = parse_report(report, 0);
    assert_int_equal(snapshot->state, SNAPSHOT_ENDED);
    assert_int_equal(snapshot->pid, 4242);
    assert_string_equal(snapshot->program.bytes, "demo");
    assert_int_equal(snapshot->arguments.length, 23);
    assert_int_equal(snapshot->module_count, 5);
    assert_string_equal(snapshot->modules[4].path, "/opt/libplain.so");
    assert_int_equal(snapshot->site_count, 4);
    assert_int_equal(snapshot->sites[1].figures.live_bytes, 4500);
    assert_int_equal(snapshot->sites[1].figures.live_blocks, 3);
    assert_int_equal(snapshot->totals.allocs, 67);
    assert_int_equal(snapshot->totals.largest, 1500);
    assert_int_equal(snapshot->totals.peak_bytes, 8000);
    assert_false(snapshot->sums_differ);
    snapshot_free(snapshot);
    make_report_free(report);
}

static void a_table_in_pieces_is_put_together(void **state)
{
    (void)state;
    struct make_report *report = make_report_large(600, 8);
    struct snapshot *whole = parse_report(report, 0);
    struct snapshot *pieces = parse_report(report, 4096);
    assert_int_equal(whole->node_count, pieces->node_count);
    assert_memory_equal(whole->nodes, pieces->nodes, whole->node_count * sizeof whole->nodes[0]);
    assert_int_equal(whole->site_count, pieces->site_count);
    assert_memory_equal(whole->sites, pieces->sites, whole->site_count * sizeof whole->sites[0]);
    assert_memory_equal(&whole->totals, &pieces->totals, sizeof whole->totals);
    snapshot_free(whole);
    snapshot_free(pieces);
    make_report_free(report);
}

static void a_site_untouched_since_the_peak_has_at_the_peak_what_it_has_now(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct snapshot *snapshot = parse_report(report, 0);
    assert_int_equal(snapshot->sites[1].figures.peak_bytes, 4500);
    assert_int_equal(snapshot->sites[2].figures.peak_bytes, 3500);
    assert_int_equal(snapshot->sites[2].figures.peak_blocks, 67);
    snapshot_free(snapshot);
    make_report_free(report);
}

static void samples_are_found_by_their_site(void **state)
{
    (void)state;
    size_t count;
    struct make_report *report = make_report_sample();
    struct snapshot *snapshot = parse_report(report, 0);
    const struct snapshot_block *blocks = snapshot_blocks(snapshot, 1, &count);
    assert_int_equal(count, 3);
    assert_int_equal(blocks[0].sequence, 10);
    assert_int_equal(blocks[2].address, 0x55552000);
    snapshot_blocks(snapshot, 2, &count);
    assert_int_equal(count, 0);
    snapshot_free(snapshot);
    make_report_free(report);
}

static void sealed_sums_that_are_not_those_of_the_sites_are_noticed(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    make_report_header(report)->totals.sealed_frees++;
    struct snapshot *snapshot = parse_report(report, 0);
    assert_true(snapshot->sums_differ);
    snapshot_free(snapshot);
    make_report_header(report)->state = MTF_STATE_RUNNING;
    snapshot = parse_report(report, 0);
    assert_false(snapshot->sums_differ);
    assert_int_equal(snapshot->state, SNAPSHOT_KILLED);
    snapshot_free(snapshot);
    make_report_free(report);
}

static void counters_caught_between_two_stores_do_not_go_below_zero(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, 1);
    make_report_header(report)->state = MTF_STATE_RUNNING;
    site->frees = site->allocs + 1;
    site->freed_bytes = site->alloc_bytes + 100;
    struct snapshot *snapshot = parse_report(report, 0);
    assert_int_equal(snapshot->sites[1].figures.live_blocks, 0);
    assert_int_equal(snapshot->sites[1].figures.live_bytes, 0);
    snapshot_free(snapshot);
    make_report_free(report);
}

static void tables_without_records_get_their_unknown_ones(void **state)
{
    (void)state;
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    size_t size;
    struct make_report *report = make_report_new();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    uint8_t *header = malloc(MTF_HEADER_SIZE);
    assert_non_null(header);
    memcpy(header, bytes, MTF_HEADER_SIZE);
    memset(((struct mtf_header *)header)->tables, 0, sizeof(struct mtf_table[MTF_TABLE_MAX]));
    ((struct mtf_header *)header)->extent_count = 0;
    ((struct mtf_header *)header)->file_size = MTF_HEADER_SIZE;
    assert_int_equal(parse(header, MTF_HEADER_SIZE, &snapshot, message), 0);
    assert_int_equal(snapshot->node_count, 1);
    assert_int_equal(snapshot->site_count, 1);
    assert_string_equal(snapshot->modules[0].path, "");
    snapshot_free(snapshot);
    free(header);
    make_report_free(report);
}

/* A change to the sample that must be refused. */
struct damage {
    size_t offset; /* in the header */
    size_t size;
    uint64_t value;
    int error;
    const char *words;
};

#define HEADER(field, wrong, result, text)                                                         \
    {                                                                                              \
        offsetof(struct mtf_header, field), sizeof(((struct mtf_header *)0)->field), (wrong),      \
            (result), (text)                                                                       \
    }

static const struct damage damages[] = {
    HEADER(magic, 0, -EINVAL, "is not a memtrack report"),
    HEADER(version, 2, -ENOTSUP, "has format 2"),
    HEADER(header_size, 4096, -EBADMSG, "header size"),
    HEADER(byte_order, 0x04030201, -ENOTSUP, "byte order"),
    HEADER(pointer_bits, 32, -ENOTSUP, "32-bit"),
    HEADER(file_size, 1 << 20, -ENODATA, "is cut short"),
    HEADER(extent_count, MTF_EXTENT_MAX + 1, -EBADMSG, "too many extents"),
    HEADER(state, 3, -EBADMSG, "state"),
    HEADER(end_kind, MTF_END_LIMIT, -EBADMSG, "state"),
    HEADER(program, 2, -EBADMSG, "name 2"),
    HEADER(folder, 0xfffffffc, -EBADMSG, "name"),
    HEADER(tables[MTF_KIND_NAMES].count, 12, -EBADMSG, "name"),
    HEADER(tables[MTF_KIND_SITES].record_size, 64, -EBADMSG, "record size of sites"),
    HEADER(tables[MTF_KIND_SITES].count, UINT64_MAX, -EBADMSG, "more sites"),
    HEADER(tables[MTF_KIND_NODES].count, UINT64_MAX / 8 + 2, -EBADMSG, "more nodes"),
    HEADER(tables[MTF_KIND_MODULES].count, 1, -EBADMSG, "frame"),
    HEADER(tables[MTF_KIND_FRAMES].count, 1, -EBADMSG, "stack node"),
    HEADER(tables[MTF_KIND_NODES].count, 1, -EBADMSG, "call site"),
    HEADER(tables[MTF_KIND_THREADS].count, 1, -EBADMSG, "block"),
    HEADER(extents[0].kind, MTF_KIND_NONE, -EBADMSG, "unknown table"),
    HEADER(extents[0].kind, MTF_KIND_LIMIT, -EBADMSG, "unknown table"),
    HEADER(extents[0].offset, 0, -EBADMSG, "outside"),
    HEADER(extents[0].offset, 8193, -EBADMSG, "outside"),
    HEADER(extents[0].offset, UINT64_MAX - 4095, -EBADMSG, "outside"),
    HEADER(extents[0].length, 0, -EBADMSG, "outside"),
    HEADER(extents[0].length, UINT64_MAX, -EBADMSG, "outside"),
    HEADER(extents[1].offset, 8192, -EBADMSG, "overlap"),
};

static void every_kind_of_damage_to_the_header_is_refused_with_one_line(void **state)
{
    (void)state;
    size_t size;
    struct make_report *report = make_report_sample();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        memcpy(copy, bytes, size);
        memcpy(copy + damages[i].offset, &damages[i].value, damages[i].size);
        expect_refusal(copy, size, damages[i].error, damages[i].words);
    }
    free(copy);
    make_report_free(report);
}

static void a_node_whose_parent_is_not_older_is_refused(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct mtf_node *node = make_report_record(report, MTF_KIND_NODES, 2);
    node->parent = 2;
    expect_report_refusal(report, "stack node 2");
    node->parent = UINT32_MAX;
    expect_report_refusal(report, "stack node 2");
    make_report_free(report);
}

static void a_module_with_an_impossible_record_is_refused(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct mtf_module *module = make_report_record(report, MTF_KIND_MODULES, 1);
    module->build_id_length = MTF_BUILD_ID_MAX + 1;
    expect_report_refusal(report, "module 1");
    module->build_id_length = 0;
    module->start = module->end + 1;
    expect_report_refusal(report, "module 1");
    make_report_free(report);
}

static void a_name_that_does_not_end_is_refused(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    mtf_name_ref name = make_report_header(report)->program;
    char *bytes = make_report_record(report, MTF_KIND_NAMES, name);
    bytes[sizeof(struct mtf_name) + 4] = 'x';
    expect_report_refusal(report, "name");
    make_report_free(report);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    size_t size;
    struct make_report *report = make_report_sample();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    expect_refusal(bytes, 0, -ENODATA, "is empty");
    expect_refusal(bytes, 7, -EINVAL, "is not a memtrack report");
    for (size_t cut = 32; cut < size; cut += 61)
        expect_refusal(bytes, cut, -ENODATA, "is cut short");
    make_report_free(report);
}

/* Whatever one word of the file says: refused with a message, or read. Sanitizers watch. */
static void any_word_may_be_anything(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    size_t size;
    struct make_report *report = make_report_sample();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size; at += 4) {
        for (size_t i = 0; i < 5; i++) {
            memcpy(copy + at, &values[i], 4);
            message[0] = '\0';
            if (snapshot_parse(copy, size, &snapshot, message, sizeof message) != 0)
                assert_true(message[0] != '\0' && snapshot == NULL);
            snapshot_free(snapshot);
        }
        memcpy(copy + at, bytes + at, 4);
    }
    free(copy);
    make_report_free(report);
}

/* A file in a fresh folder; the caller removes both. */
struct scratch {
    char folder[64];
    char file[96];
};

static void scratch_begin(struct scratch *scratch)
{
    strcpy(scratch->folder, "/tmp/memtrack-reader.XXXXXX");
    assert_non_null(mkdtemp(scratch->folder));
    snprintf(scratch->file, sizeof scratch->file, "%s/x.memtrack", scratch->folder);
}

static void scratch_end(const struct scratch *scratch)
{
    unlink(scratch->file);
    assert_int_equal(rmdir(scratch->folder), 0);
}

static void scratch_write(const struct scratch *scratch, const void *bytes, size_t size)
{
    int descriptor = open(scratch->file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, size), (ssize_t)size);
    close(descriptor);
}

static void expect_no_load(const char *path, int error, const char *words)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "";
    struct snapshot *snapshot;
    assert_int_equal(snapshot_load(path, &snapshot, message, sizeof message), error);
    assert_null(snapshot);
    assert_memory_equal(message, path, strlen(path));
    assert_non_null(strstr(message, words));
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_begin(&scratch);
    alarm(20);
    expect_no_load(scratch.file, -ENOENT, "No such file");
    expect_no_load(scratch.folder, -EISDIR, "is a folder");
    assert_int_equal(mkfifo(scratch.file, 0600), 0);
    expect_no_load(scratch.file, -EINVAL, "is not a regular file");
    unlink(scratch.file);
    scratch_write(&scratch, "", 0);
    expect_no_load(scratch.file, -ENODATA, "is empty");
    expect_no_load("/dev/null", -EINVAL, "is not a regular file");
    alarm(0);
    scratch_end(&scratch);
}

static uint64_t own_start_time(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    char *at = strrchr(text, ')');
    assert_non_null(at);
    for (int field = 2; field < 22; field++)
        at = strchr(at + 1, ' ');
    return strtoull(at, NULL, 10);
}

static enum snapshot_state state_of(const struct scratch *scratch, struct make_report *report)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    scratch_write(scratch, bytes, size);
    assert_int_equal(snapshot_load(scratch->file, &snapshot, message, sizeof message), 0);
    enum snapshot_state found = snapshot->state;
    assert_string_equal(snapshot->path, scratch->file);
    snapshot_free(snapshot);
    return found;
}

static void a_process_runs_only_while_the_same_one_has_its_pid(void **state)
{
    (void)state;
    struct scratch scratch;
    struct make_report *report = make_report_sample();
    struct mtf_header *header = make_report_header(report);
    scratch_begin(&scratch);
    header->pid = getpid();
    header->pid_start = own_start_time();
    assert_int_equal(state_of(&scratch, report), SNAPSHOT_ENDED);
    header->state = MTF_STATE_RUNNING;
    assert_int_equal(state_of(&scratch, report), SNAPSHOT_RUNNING);
    header->pid_start++;
    assert_int_equal(state_of(&scratch, report), SNAPSHOT_KILLED);
    scratch_end(&scratch);
    make_report_free(report);
}

/* The process that writes the report: it goes on whenever the reader has read something. */
static struct mtf_header *grower_header;
static uint64_t grower_most;

static void grower_step(void)
{
    struct mtf_table *tables = grower_header->tables;
    uint64_t count = tables[MTF_KIND_NODES].count + 10; /* node n is of frame n */
    if (count > grower_most)
        return;
    mtf_publish_count(&tables[MTF_KIND_FRAMES], count);
    mtf_publish_count(&tables[MTF_KIND_NODES], count);
    mtf_publish_count(&tables[MTF_KIND_SITES], count);
}

/* Takes the place of libc's in this program. */
ssize_t pread(int descriptor, void *to, size_t length, off_t offset)
{
    ssize_t got = syscall(SYS_pread64, descriptor, to, length, offset);
    if (grower_header != NULL)
        grower_step();
    return got;
}

/* Site n stands at node n, so a count of sites taken after that of nodes refers to missing ones. */
static void a_file_that_grows_between_reads_is_consistent(void **state)
{
    (void)state;
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct scratch scratch;
    struct snapshot *snapshot;
    size_t size;
    struct make_report *report = make_report_large(1000, 1);
    make_report_header(report)->state = MTF_STATE_RUNNING;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    scratch_begin(&scratch);
    scratch_write(&scratch, bytes, size);
    int descriptor = open(scratch.file, O_RDWR | O_CLOEXEC);
    struct mtf_header *header =
        mmap(NULL, MTF_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    assert_true(header != MAP_FAILED);
    header->tables[MTF_KIND_FRAMES].count = 100;
    header->tables[MTF_KIND_NODES].count = header->tables[MTF_KIND_SITES].count = 100;
    grower_most = 1000;
    grower_header = header;
    int error = snapshot_load(scratch.file, &snapshot, message, sizeof message);
    grower_header = NULL;
    if (error != 0)
        fail_msg("%s", message);
    assert_true(snapshot->site_count >= 100 && snapshot->node_count > snapshot->site_count);
    assert_true(header->tables[MTF_KIND_SITES].count > snapshot->site_count);
    snapshot_free(snapshot);
    munmap(header, MTF_HEADER_SIZE);
    close(descriptor);
    scratch_end(&scratch);
    make_report_free(report);
}

static void shares_of_a_running_process_belong_to_their_sites(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct snapshot *before = parse_report(report, 0);
    uint64_t allocs = before->sites[1].figures.allocs, live = before->sites[1].figures.live_bytes;
    uint64_t peak = before->sites[1].figures.peak_bytes, total = before->totals.alloc_bytes;
    snapshot_free(before);
    const struct mtf_share share = {.site = 1,
                                    .allocs = 3,
                                    .alloc_bytes = 300,
                                    .frees = 1,
                                    .freed_bytes = 100,
                                    .largest = 1u << 30};
    make_report_share(report, &share);
    make_report_header(report)->state = MTF_STATE_RUNNING;
    struct snapshot *after = parse_report(report, 0);
    assert_int_equal(after->sites[1].figures.allocs, allocs + 3);
    assert_int_equal(after->sites[1].figures.live_bytes, live + 200);
    assert_int_equal(after->sites[1].figures.peak_bytes, peak);
    assert_int_equal(after->sites[1].figures.largest, 1u << 30);
    assert_int_equal(after->totals.alloc_bytes, total + 300);
    snapshot_free(after);
    make_report_free(report);
}

static void shares_are_part_of_sealed_sums_already(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct snapshot *before = parse_report(report, 0);
    uint64_t allocs = before->totals.allocs;
    assert_int_equal(before->state, SNAPSHOT_ENDED);
    snapshot_free(before);
    make_report_share(report, &(struct mtf_share){.site = 1, .allocs = 3, .alloc_bytes = 300});
    struct snapshot *after = parse_report(report, 0);
    assert_int_equal(after->totals.allocs, allocs);
    assert_false(after->sums_differ);
    snapshot_free(after);
    make_report_free(report);
}

static void a_share_of_no_site_is_refused(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    make_report_share(report, &(struct mtf_share){.site = 1u << 20, .allocs = 1});
    make_report_header(report)->state = MTF_STATE_RUNNING;
    expect_report_refusal(report, "share of counters");
    make_report_free(report);
}

/* As a kill leaves it between the steps of total_settle: half of the site's counters are new already. */
static void a_settlement_that_was_begun_is_completed(void **state)
{
    (void)state;
    struct make_report *report = make_report_sample();
    struct snapshot *before = parse_report(report, 0);
    struct figures was = before->sites[1].figures;
    snapshot_free(before);
    make_report_share(report, &(struct mtf_share){.site = 2, .allocs = 1, .alloc_bytes = 10});
    uint32_t share =
        make_report_share(report, &(struct mtf_share){.site = 1, .allocs = 3, .alloc_bytes = 300});
    struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, 1);
    make_report_header(report)->settle = (struct mtf_settle){
        .share = share + 1,
        .site = 1,
        .allocs = site->allocs + 3,
        .alloc_bytes = site->alloc_bytes + 300,
        .frees = site->frees,
        .freed_bytes = site->freed_bytes,
    };
    site->allocs += 3;
    make_report_header(report)->state = MTF_STATE_RUNNING;
    struct snapshot *after = parse_report(report, 0);
    assert_int_equal(after->sites[1].figures.allocs, was.allocs + 3);
    assert_int_equal(after->sites[1].figures.live_bytes, was.live_bytes + 300);
    assert_int_equal(after->sites[1].figures.frees, was.frees);
    snapshot_free(after);
    make_report_header(report)->settle.site = 1u << 20;
    expect_report_refusal(report, "settlement of counters");
    make_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_table_in_pieces_is_put_together),
        cmocka_unit_test(a_site_untouched_since_the_peak_has_at_the_peak_what_it_has_now),
        cmocka_unit_test(samples_are_found_by_their_site),
        cmocka_unit_test(sealed_sums_that_are_not_those_of_the_sites_are_noticed),
        cmocka_unit_test(counters_caught_between_two_stores_do_not_go_below_zero),
        cmocka_unit_test(tables_without_records_get_their_unknown_ones),
        cmocka_unit_test(every_kind_of_damage_to_the_header_is_refused_with_one_line),
        cmocka_unit_test(a_node_whose_parent_is_not_older_is_refused),
        cmocka_unit_test(a_module_with_an_impossible_record_is_refused),
        cmocka_unit_test(a_name_that_does_not_end_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(any_word_may_be_anything),
        cmocka_unit_test(what_is_no_regular_file_is_refused_without_waiting),
        cmocka_unit_test(a_process_runs_only_while_the_same_one_has_its_pid),
        cmocka_unit_test(a_file_that_grows_between_reads_is_consistent),
        cmocka_unit_test(shares_of_a_running_process_belong_to_their_sites),
        cmocka_unit_test(shares_are_part_of_sealed_sums_already),
        cmocka_unit_test(a_share_of_no_site_is_refused),
        cmocka_unit_test(a_settlement_that_was_begun_is_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
