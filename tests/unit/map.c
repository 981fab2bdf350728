/* The table of mappings: the kernel's semantics, held against /proc/self/maps after random calls; the
   counters; failures of the shim's own memory. */
#include "map/map.h"
#include "base/sys.h"
#include "child.h"
#include "fault.h"
#include "map/map_queue.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/host.h"
#include "track/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PAGE 4096ul

static uint32_t here, there;
static int file;

static void start(void)
{
    REQUIRE(file_start() && site_start());
    host_identify();
    here = site_at(site_node(0, 0, 0x1000, 0), MTF_DOMAIN_MAPPINGS);
    there = site_at(site_node(0, 0, 0x2000, 0), MTF_DOMAIN_MAPPINGS);
}

static const struct mtf_mapped *mapped(void)
{
    return &file_header->mapped;
}

static void insert(uintptr_t page, size_t pages, uint32_t site)
{
    struct map_origin origin = {.site = site};
    map_insert(page * PAGE, pages * PAGE, 0, &origin);
    REQUIRE(map_check());
}

static void cut_out(uintptr_t page, size_t pages)
{
    struct map_taken taken;
    map_take(&taken, page * PAGE, pages * PAGE, UINT64_MAX);
    map_gone(&taken);
    REQUIRE(map_check());
}

/* "100-108 110-112": page numbers of all pieces. */
static char drawn[4096];

static void draw_piece(const struct map_piece *piece, void *context)
{
    size_t *at = context;
    *at += (size_t)snprintf(drawn + *at, sizeof drawn - *at, "%s%lu-%lu", *at ? " " : "",
                            piece->start / PAGE, piece->end / PAGE);
}

static const char *draw(void)
{
    size_t at = 0;
    drawn[0] = '\0';
    map_each(draw_piece, &at);
    return drawn;
}

static void cut_one_mapping(void)
{
    start();
    insert(100, 10, here);
    cut_out(100, 1);
    REQUIRE(strcmp(draw(), "101-110") == 0);
    cut_out(109, 5);
    REQUIRE(strcmp(draw(), "101-109") == 0);
    cut_out(103, 2);
    REQUIRE(strcmp(draw(), "101-103 105-109") == 0);
    REQUIRE(site_record(here)->frees == 0 && site_record(here)->freed_bytes == 4 * PAGE);
    REQUIRE(mapped()->current_count == 1 && mapped()->current_bytes == 6 * PAGE);
    cut_out(90, 30);
    REQUIRE(strcmp(draw(), "") == 0);
    REQUIRE(site_record(here)->frees == 1 && site_record(here)->freed_bytes == 10 * PAGE);
    REQUIRE(mapped()->current_count == 0 && mapped()->current_bytes == 0);
    REQUIRE(mapped()->peak_bytes == 10 * PAGE && mapped()->peak_count == 1);
}

static void a_mapping_is_gone_when_its_last_piece_is(void **state)
{
    (void)state;
    assert_int_equal(child_run(cut_one_mapping), 0);
}

static void cut_several(void)
{
    start();
    insert(100, 4, here);
    insert(110, 4, there);
    insert(120, 4, here);
    cut_out(102, 20);
    REQUIRE(strcmp(draw(), "100-102 122-124") == 0);
    REQUIRE(site_record(there)->frees == 1 && site_record(here)->frees == 0);
}

static void one_unmap_reaches_over_several_mappings_and_gaps(void **state)
{
    (void)state;
    assert_int_equal(child_run(cut_several), 0);
}

static void insert_over(void)
{
    start();
    insert(100, 10, here);
    insert(103, 2, there);
    REQUIRE(strcmp(draw(), "100-103 103-105 105-110") == 0);
    struct map_piece piece;
    REQUIRE(map_find(104 * PAGE, &piece) && piece.origin.site == there);
    REQUIRE(map_find(105 * PAGE, &piece) && piece.origin.site == here);
    REQUIRE(!map_find(110 * PAGE, &piece) && !map_find(99 * PAGE, &piece));
    REQUIRE(mapped()->current_bytes == 10 * PAGE && mapped()->current_count == 2);
    REQUIRE(mapped()->peak_bytes == 10 * PAGE); /* never both at once */
}

static void a_fixed_mapping_replaces_what_was_there(void **state)
{
    (void)state;
    assert_int_equal(child_run(insert_over), 0);
}

static void put_back(void)
{
    struct map_taken taken;
    start();
    insert(100, 10, here);
    insert(112, 3, there);
    map_take(&taken, 103 * PAGE, 10 * PAGE, UINT64_MAX);
    REQUIRE(strcmp(draw(), "100-103 113-115") == 0);
    REQUIRE(mapped()->current_bytes == 13 * PAGE); /* still mapped */
    map_put_back(&taken);
    REQUIRE(strcmp(draw(), "100-110 112-115") == 0 && map_count() == 2);
    REQUIRE(map_check());
    REQUIRE(site_record(here)->freed_bytes == 0 && mapped()->current_bytes == 13 * PAGE);
}

static void a_call_that_fails_leaves_the_table_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(child_run(put_back), 0);
}

static void move(void)
{
    struct map_taken taken;
    struct map_piece piece;
    struct map_origin origin = {.kind = MTF_MAP_FILE_SHARED, .protection = 3}, by = {.thread = 4};
    start();
    origin.site = here;
    by.site = there;
    map_insert(100 * PAGE, 10 * PAGE, 7 * PAGE, &origin);
    map_take(&taken, 102 * PAGE, 3 * PAGE, UINT64_MAX);
    map_moved(&taken, 200 * PAGE, 5 * PAGE, NULL, &by, false);
    REQUIRE(strcmp(draw(), "100-102 105-110 200-205") == 0 && map_check());
    REQUIRE(map_find(201 * PAGE, &piece) && piece.offset == 9 * PAGE);
    REQUIRE(piece.origin.kind == MTF_MAP_FILE_SHARED && piece.origin.thread == 4);
    REQUIRE(map_find(106 * PAGE, &piece) && piece.offset == 12 * PAGE);
    REQUIRE(site_record(there)->allocs == 1 && site_record(there)->reallocs == 1);
    REQUIRE(site_record(here)->frees == 0 && site_record(here)->freed_bytes == 3 * PAGE);
    REQUIRE(mapped()->peak_bytes == 12 * PAGE);
}

static void mremap_moves_a_part_with_its_place_in_the_file(void **state)
{
    (void)state;
    assert_int_equal(child_run(move), 0);
}

static void detach_segment(void)
{
    struct map_taken taken;
    struct map_origin segment = {.kind = MTF_MAP_SYSV};
    start();
    segment.site = here;
    map_insert(100 * PAGE, 10 * PAGE, 0, &segment);
    map_insert(110 * PAGE, 2 * PAGE, 0, &segment);
    cut_out(102, 1);
    insert(104, 1, there);
    map_take_segment(&taken, 100 * PAGE);
    map_gone(&taken);
    REQUIRE(strcmp(draw(), "104-105 110-112") == 0 && map_check());
    map_take_segment(&taken, 100 * PAGE);
    map_gone(&taken);
    REQUIRE(strcmp(draw(), "104-105 110-112") == 0);
}

static void shmdt_takes_the_pieces_of_its_segment_alone(void **state)
{
    (void)state;
    assert_int_equal(child_run(detach_segment), 0);
}

static void run_without_memory(void)
{
    start();
    struct map_origin origin = {.site = there};
    insert(100, 10, here);
    fault_all_after(0);
    for (uintptr_t i = 0; i < 20000; i++) /* more than what is left of the heap's chunk can hold */
        map_insert((100000 + 2 * i) * PAGE, PAGE, 0, &origin);
    cut_out(104, 2);
    fault_none();
    REQUIRE(file_header->totals.lost[MTF_LOST_LIVE] > 0);
    REQUIRE(map_check());
    struct map_piece piece;
    REQUIRE(map_find(103 * PAGE, &piece) && !map_find(104 * PAGE, &piece));
    cut_out(0, 1000000);
    REQUIRE(map_count() == 0 && mapped()->current_bytes == 0 && mapped()->current_count == 0);
}

static void without_memory_mappings_are_lost_and_counted(void **state)
{
    (void)state;
    assert_int_equal(child_run(run_without_memory), 0);
}

static void keep_peaks(void)
{
    start();
    insert(100, 10, here);
    insert(200, 5, there);
    cut_out(100, 10);
    insert(300, 2, there);
    REQUIRE(mapped()->peak_bytes == 15 * PAGE && mapped()->peak_count == 2);
    REQUIRE(site_record(here)->at_peak_bytes == 10 * PAGE);
    REQUIRE(site_record(there)->at_peak_bytes == 5 * PAGE);
}

static void each_sites_share_of_the_peak_is_kept(void **state)
{
    (void)state;
    assert_int_equal(child_run(keep_peaks), 0);
}

static void inherit_in_a_child(void)
{
    start();
    insert(100, 10, here);
    cut_out(103, 2);
    map_fork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        map_fork_child(true);
        memset(site_record(here), 0, 64);
        map_inherit();
        REQUIRE(site_record(here)->inherited_blocks == 1);
        REQUIRE(site_record(here)->inherited_bytes == 8 * PAGE);
        REQUIRE(mapped()->current_bytes == 0 && map_check());
        insert(200, 1, there);
        cut_out(100, 10);
        REQUIRE(site_record(here)->inherited_blocks == 0 && site_record(here)->frees == 0);
        REQUIRE(site_record(here)->inherited_bytes == 0 && mapped()->current_bytes == PAGE);
        _exit(0);
    }
    map_fork_parent();
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    REQUIRE(strcmp(draw(), "100-103 105-110") == 0);
}

static void a_forked_child_inherits_the_table_and_counts_it_apart(void **state)
{
    (void)state;
    assert_int_equal(child_run(inherit_in_a_child), 0);
}

static void queue_in_order(void)
{
    struct map_origin origin = {.kind = MTF_MAP_ANONYMOUS};
    start();
    origin.site = here;
    struct self *self = thread_attach();
    REQUIRE(self != NULL);
    insert(100, 10, here);
    map_queue_insert(self, 200 * PAGE, 4 * PAGE, 0, &origin);
    map_queue_remove(self, 202 * PAGE, PAGE);
    map_queue_remove(self, 103 * PAGE, PAGE);
    map_queue_move(self, 107 * PAGE, PAGE, 300 * PAGE, 2 * PAGE, there, false);
    REQUIRE(self->ready == SELF_PENDING && strcmp(draw(), "100-110") == 0);
    insert(105, 1, there); /* the interrupted thread's own; no queued event is meant for it */
    map_queue_drain(self);
    REQUIRE(strcmp(draw(), "100-103 104-105 105-106 106-107 108-110 200-202 203-204 300-302") == 0);
    REQUIRE(map_check());
}

static void events_of_handlers_are_applied_in_order(void **state)
{
    (void)state;
    assert_int_equal(child_run(queue_in_order), 0);
}

/* A handler's mapping came and went; before that is applied another thread has the same addresses. */
static void queue_late(void)
{
    struct map_origin origin = {.kind = MTF_MAP_ANONYMOUS};
    start();
    origin.site = here;
    struct self *self = thread_attach();
    map_queue_insert(self, 200 * PAGE, 4 * PAGE, 0, &origin);
    map_queue_remove(self, 200 * PAGE, 4 * PAGE);
    insert(198, 4, there);
    insert(203, 1, there);
    map_queue_drain(self);
    REQUIRE(strcmp(draw(), "198-202 203-204") == 0 && map_check());
    REQUIRE(mapped()->current_bytes == 5 * PAGE && mapped()->current_count == 2);
    REQUIRE(site_record(there)->freed_bytes == 0 && site_record(there)->frees == 0);
    REQUIRE(site_record(here)->allocs == 1 && site_record(here)->frees == 1);
    REQUIRE(site_record(here)->freed_bytes == 4 * PAGE);
}

static void a_handlers_event_that_comes_late_takes_nothing_from_who_came_after_it(void **state)
{
    (void)state;
    assert_int_equal(child_run(queue_late), 0);
}

static void overflow_the_queue(void)
{
    start();
    struct self *self = thread_attach();
    for (int i = 0; i < 1000; i++)
        map_queue_remove(self, 100 * PAGE, PAGE);
    map_queue_drain(self);
    uint64_t lost = file_header->totals.lost[MTF_LOST_NESTED];
    REQUIRE(lost > 900 && lost < 1000);
    insert(100, 1, here);
    map_queue_remove(self, 100 * PAGE, PAGE);
    map_queue_drain(self);
    REQUIRE(map_count() == 0 && file_header->totals.lost[MTF_LOST_NESTED] == lost);
}

static void events_beyond_the_queue_are_counted_as_lost(void **state)
{
    (void)state;
    assert_int_equal(child_run(overflow_the_queue), 0);
}

/* ---- the property: after any calls the table is what /proc/self/maps says ---- */

#define ARENA_PAGES 64ul
#define ROUNDS 3000
#define CALLS 40

static uintptr_t arena;

static unsigned long pick(unsigned long below)
{
    return (unsigned long)random() % below;
}

static void call_mmap(uintptr_t at, size_t length)
{
    static const int kinds[] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS,
                                MAP_PRIVATE, MAP_SHARED};
    int flags = kinds[pick(4)] | (pick(4) ? MAP_FIXED : 0x100000 /* MAP_FIXED_NOREPLACE */);
    uint64_t offset = flags & MAP_ANONYMOUS ? 0 : pick(ARENA_PAGES) * PAGE;
    intptr_t got = sys_mmap((void *)at, length, PROT_READ, flags, file, offset);
    struct map_origin origin = {
        .site = here, .kind = flags & MAP_ANONYMOUS ? MTF_MAP_ANONYMOUS : MTF_MAP_FILE_SHARED};
    if (!sys_failed(got))
        map_insert((uintptr_t)got, length, offset, &origin);
}

static void call_munmap(uintptr_t at, size_t length)
{
    struct map_taken taken;
    map_take(&taken, at, length, UINT64_MAX);
    if (SYS2(SYS_munmap, at, length) == 0)
        map_gone(&taken);
    else
        map_put_back(&taken);
}

static void call_mremap(uintptr_t old, size_t old_length, uintptr_t to, size_t length, int flags)
{
    struct map_taken taken;
    struct map_piece like;
    struct map_origin by = {.site = there};
    bool known = map_find(old, &like);
    if (known)
        like.offset = map_piece_offset(&like, old);
    map_take(&taken, old, old_length, UINT64_MAX);
    long got = sys_call(SYS_mremap, (long)old, (long)old_length, (long)length, flags, (long)to, 0);
    if (!sys_failed(got)) {
        map_moved(&taken, (uintptr_t)got, length, known ? &like : NULL, &by, flags & 4);
        return;
    }
    map_put_back(&taken);
    if (flags & MREMAP_FIXED)
        map_recheck(to, length);
    if (old_length > length)
        map_recheck(old + length, old_length - length);
}

static void call_at_random(void)
{
    uintptr_t at = arena + pick(ARENA_PAGES) * PAGE;
    size_t most = (arena + ARENA_PAGES * PAGE - at) / PAGE;
    size_t length = (1 + pick(most < 12 ? most : 12)) * PAGE;
    switch (pick(6)) {
    case 0:
        call_munmap(at, length);
        break;
    case 1:
        call_mremap(at, length, 0, (1 + pick(12)) * PAGE, 0);
        break;
    case 2:
        call_mremap(at, length, arena + pick(ARENA_PAGES - 12) * PAGE, (1 + pick(12)) * PAGE,
                    MREMAP_MAYMOVE | MREMAP_FIXED);
        break;
    case 3:
        call_mremap(at, pick(2) ? length : 0, arena + pick(ARENA_PAGES - 12) * PAGE, length,
                    MREMAP_MAYMOVE | MREMAP_FIXED | (pick(2) ? 4 : 0));
        break;
    default:
        call_mmap(at, length);
    }
}

struct page {
    bool mapped;
    unsigned long offset; /* of files; 0 otherwise */
    unsigned long inode;
};

static void read_kernel(struct page *pages)
{
    char line[512];
    unsigned long start, end, offset, inode;
    FILE *maps = fopen("/proc/self/maps", "r");
    memset(pages, 0, ARENA_PAGES * sizeof *pages);
    while (fgets(line, sizeof line, maps)) {
        REQUIRE(sscanf(line, "%lx-%lx %*s %lx %*s %lu", &start, &end, &offset, &inode) == 4);
        bool ours = strstr(line, "random-file") != NULL;
        unsigned long first =
            start > arena ? start : arena; /* a sanitizer's mappings are terabytes */
        unsigned long last = arena + ARENA_PAGES * PAGE;
        for (uintptr_t at = first; at < end && at < last; at += PAGE)
            pages[(at - arena) / PAGE] =
                (struct page){true, ours ? offset + (at - start) : 0, ours};
    }
    fclose(maps);
}

static void read_piece(const struct map_piece *piece, void *context)
{
    struct page *pages = context;
    bool is_file = piece->origin.kind == MTF_MAP_FILE_SHARED;
    for (uintptr_t at = piece->start; at < piece->end; at += PAGE) {
        REQUIRE(at >= arena && at < arena + ARENA_PAGES * PAGE);
        pages[(at - arena) / PAGE] =
            (struct page){true, is_file ? map_piece_offset(piece, at) : 0, is_file};
    }
}

static void require_equal(int round)
{
    struct page kernel[ARENA_PAGES], table[ARENA_PAGES];
    read_kernel(kernel);
    memset(table, 0, sizeof table);
    map_each(read_piece, table);
    for (unsigned long i = 0; i < ARENA_PAGES; i++) {
        if (kernel[i].mapped != table[i].mapped || kernel[i].offset != table[i].offset ||
            kernel[i].inode != table[i].inode)
            dprintf(2, "round %d, page %lu: kernel %d %lx %lu, table %d %lx %lu\n", round, i,
                    kernel[i].mapped, kernel[i].offset, kernel[i].inode, table[i].mapped,
                    table[i].offset, table[i].inode);
        REQUIRE(kernel[i].mapped == table[i].mapped && kernel[i].offset == table[i].offset &&
                kernel[i].inode == table[i].inode);
    }
}

static void compare_with_the_kernel(void)
{
    start();
    srandom(7);
    file = memfd_create("random-file", 0);
    REQUIRE(file >= 0 && ftruncate(file, (long)(4 * ARENA_PAGES * PAGE)) == 0);
    arena =
        0x200000000000; /* where the kernel puts nothing by itself; what follows bounds growth */
    void *bound = (void *)(arena + ARENA_PAGES * PAGE);
    REQUIRE(mmap(bound, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == bound);
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned long call = 1 + pick(CALLS); call > 0; call--)
            call_at_random();
        REQUIRE(map_check());
        require_equal(round);
    }
}

static void after_any_calls_the_table_is_what_the_kernel_says(void **state)
{
    (void)state;
    assert_int_equal(child_run(compare_with_the_kernel), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_gone_when_its_last_piece_is),
        cmocka_unit_test(one_unmap_reaches_over_several_mappings_and_gaps),
        cmocka_unit_test(a_fixed_mapping_replaces_what_was_there),
        cmocka_unit_test(a_call_that_fails_leaves_the_table_as_it_was),
        cmocka_unit_test(mremap_moves_a_part_with_its_place_in_the_file),
        cmocka_unit_test(shmdt_takes_the_pieces_of_its_segment_alone),
        cmocka_unit_test(without_memory_mappings_are_lost_and_counted),
        cmocka_unit_test(each_sites_share_of_the_peak_is_kept),
        cmocka_unit_test(a_forked_child_inherits_the_table_and_counts_it_apart),
        cmocka_unit_test(events_of_handlers_are_applied_in_order),
        cmocka_unit_test(a_handlers_event_that_comes_late_takes_nothing_from_who_came_after_it),
        cmocka_unit_test(events_beyond_the_queue_are_counted_as_lost),
        cmocka_unit_test(after_any_calls_the_table_is_what_the_kernel_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
