#include "store/file.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/own.h"
#include "base/sys.h"
#include "memtrack/publish.h"
#include "store/disk.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define FILE_GROW_LEAST (32u << 10)
#define FILE_RESERVE_LEAST (1u << 20)

struct file_table {
    char *base;
    uint64_t limit;  /* bytes of address space; the bound whose loss counters are in callers */
    uint64_t mapped; /* bytes that are backed; LOCK_FILE */
    uint64_t count;  /* as published; the table's own lock */
    uint32_t record_size;
};

/* First size (one extent of a new file) and largest size of each table, in bytes. */
static const struct {
    uint32_t record_size;
    uint32_t first;
    uint64_t most;
} file_plan[MTF_KIND_LIMIT] = {
    [MTF_KIND_NAMES] = {1, 8u << 10, 64ull << 20},
    [MTF_KIND_MODULES] = {sizeof(struct mtf_module), 8u << 10, 8ull << 20},
    [MTF_KIND_NODES] = {sizeof(struct mtf_node), 16u << 10, 256ull << 20},
    [MTF_KIND_FRAMES] = {sizeof(struct mtf_frame), 8u << 10, 256ull << 20},
    [MTF_KIND_SITES] = {sizeof(struct mtf_site), 32u << 10, 512ull << 20},
    [MTF_KIND_THREADS] = {sizeof(struct mtf_thread), 4u << 10, 24ull << 20},
    [MTF_KIND_BLOCKS] = {sizeof(struct mtf_block), 0, 256ull << 20},
    [MTF_KIND_SHARES] = {sizeof(struct mtf_share), 0, 64ull << 20},
    [MTF_KIND_MAPPINGS] = {sizeof(struct mtf_mapping), 0, 32ull << 20},
    [MTF_KIND_REGIONS] = {sizeof(struct mtf_region), 0, 16ull << 20},
    [MTF_KIND_CHECKS] = {sizeof(struct mtf_check), 0, 8ull << 20},
    [MTF_KIND_LOSSES] = {sizeof(struct mtf_loss), 0, 64ull << 20},
    [MTF_KIND_TIMELINE] = {sizeof(struct mtf_point), 4u << 10, 8ull << 20},
    [MTF_KIND_PHASES] = {sizeof(struct mtf_phase), 0, 8ull << 20},
    [MTF_KIND_SIZES] = {sizeof(struct mtf_size), 12u << 10, 8ull << 20},
    [MTF_KIND_PHASE_SITES] = {sizeof(struct mtf_phase_site), 0, 64ull << 20},
    [MTF_KIND_USAGE] = {sizeof(struct mtf_usage), 0, 64ull << 20},
    [MTF_KIND_LIFETIMES] = {sizeof(struct mtf_lifetime), 0, 256ull << 20},
};

struct mtf_header *file_header;

static struct file_table file_tables[MTF_KIND_LIMIT];
static struct lock file_lock = {.rank = LOCK_FILE};
static bool file_on_disk; /* LOCK_FILE */
static bool file_shared;  /* LOCK_FILE; a file is mapped, or was in part when file_create failed */

static size_t file_header_room(void)
{
    return sys_round_to_page(MTF_HEADER_SIZE);
}

static uint64_t file_table_room(enum mtf_kind kind, unsigned shift)
{
    uint64_t room = file_plan[kind].most >> shift;
    return sys_round_to_page(room < file_plan[kind].first ? file_plan[kind].first : room);
}

static uint64_t file_total_room(unsigned shift)
{
    uint64_t total = file_header_room();
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        total += file_table_room(kind, shift);
    return total;
}

/* How often the tables' bounds are halved so that they take a sixteenth of `limit` at the most. */
static unsigned file_shift_for(uint64_t limit)
{
    unsigned shift = 0;
    while (file_total_room(shift) > limit / 16 && file_total_room(shift) > FILE_RESERVE_LEAST)
        shift++;
    return shift;
}

/* Address space for everything: a sixteenth of RLIMIT_AS at the most, halved until it can be had.
 */
static char *file_reserve_address_space(unsigned *shift)
{
    uint64_t limit = sys_limit(RLIMIT_AS);
    *shift = limit == UINT64_MAX ? 0 : file_shift_for(limit);
    for (; *shift < 32; ++*shift) {
        intptr_t at = sys_mmap(NULL, file_total_room(*shift), PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (!sys_failed(at))
            return (char *)at;
        if (file_total_room(*shift) <= FILE_RESERVE_LEAST)
            break;
    }
    return NULL;
}

static bool file_back_privately(void *at, size_t size)
{
    return size == 0 || !sys_failed(sys_mmap(at, size, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static bool file_start_table(enum mtf_kind kind, char *base, uint64_t limit)
{
    struct file_table *table = &file_tables[kind];
    table->base = base;
    table->limit = limit;
    table->record_size = file_plan[kind].record_size;
    table->mapped = sys_round_to_page(file_plan[kind].first);
    table->count = 0;
    file_header->tables[kind].record_size = table->record_size;
    own_add(base, limit);
    return file_back_privately(base, table->mapped);
}

bool file_start(void)
{
    unsigned shift;
    char *at = file_reserve_address_space(&shift);
    if (at == NULL || !file_back_privately(at, file_header_room()))
        return false;
    file_header = (struct mtf_header *)at;
    own_add(at, file_header_room());
    at += file_header_room();
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        uint64_t room = file_table_room(kind, shift);
        if (!file_start_table(kind, at, room))
            return false;
        at += room;
    }
    return true;
}

/* Adds [offset, offset + size) of the file to a table, joined with the extent that ends there. */
static void file_add_extent(enum mtf_kind kind, uint64_t offset, uint64_t size)
{
    uint32_t count = file_header->extent_count;
    if (count > 0) {
        struct mtf_extent *last = &file_header->extents[count - 1];
        if (last->kind == (uint32_t)kind && last->offset + last->length == offset) {
            store_release(&last->length, last->length + size); /* MTF-PUBLISH */
            return;
        }
    }
    struct mtf_extent *extent = &file_header->extents[count];
    extent->kind = kind;
    extent->offset = offset;
    extent->length = size;
    mtf_publish_extents(file_header, count + 1);
}

static bool file_back_on_disk(enum mtf_kind kind, char *at, size_t size)
{
    if (file_header->extent_count >= MTF_EXTENT_MAX)
        return false;
    int64_t offset = disk_extend(size);
    if (offset < 0)
        return false;
    if (!disk_map(at, size, (uint64_t)offset)) {
        disk_take_back(size);
        return false;
    }
    store_release(&file_header->file_size, disk_length()); /* MTF-PUBLISH */
    file_add_extent(kind, (uint64_t)offset, size);
    return true;
}

static bool file_back(enum mtf_kind kind, uint64_t size)
{
    struct file_table *table = &file_tables[kind];
    char *at = table->base + table->mapped;
    if (!(file_on_disk ? file_back_on_disk(kind, at, size) : file_back_privately(at, size)))
        return false;
    table->mapped += size;
    return true;
}

/* A quarter as much again, so that little of a file is empty; more once the directory is half full. What
   was not there yet is often written in one go, at the end: it gets what it needs. */
static uint64_t file_growth(const struct file_table *table)
{
    if (table->mapped == 0)
        return 0;
    uint64_t more =
        file_header->extent_count < MTF_EXTENT_MAX / 2 ? table->mapped / 4 : table->mapped;
    return more < FILE_GROW_LEAST ? FILE_GROW_LEAST : more;
}

/* Backs at least `need` bytes of a table; no more where that is all that can be had. */
static bool file_grow_locked(enum mtf_kind kind, uint64_t need)
{
    struct file_table *table = &file_tables[kind];
    if (need > table->limit)
        return false;
    uint64_t more = file_growth(table);
    if (table->mapped + more < need)
        more = need - table->mapped;
    if (table->mapped + more > table->limit)
        more = table->limit - table->mapped;
    return file_back(kind, sys_round_to_page(more)) ||
           file_back(kind, sys_round_to_page(need - table->mapped));
}

uint64_t file_reserve(enum mtf_kind kind, uint64_t n)
{
    struct file_table *table = &file_tables[kind];
    uint64_t need = (table->count + n) * table->record_size;
    if (MT_LIKELY(need <= table->mapped))
        return table->count;
    bool taken = lock_enter_critical(&file_lock);
    bool grown = need <= table->mapped || file_grow_locked(kind, need);
    lock_leave_critical(&file_lock, taken);
    return grown ? table->count : FILE_FULL;
}

void file_grow_ahead(void)
{
    static const uint32_t ahead[MTF_KIND_LIMIT] = {
        [MTF_KIND_NAMES] = 64u << 10,   [MTF_KIND_NODES] = 256u << 10,
        [MTF_KIND_FRAMES] = 128u << 10, [MTF_KIND_SITES] = 512u << 10,
        [MTF_KIND_THREADS] = 32u << 10, [MTF_KIND_BLOCKS] = 128u << 10,
        [MTF_KIND_SHARES] = 64u << 10,  [MTF_KIND_MAPPINGS] = 32u << 10,
        [MTF_KIND_CHECKS] = 4u << 10,   [MTF_KIND_USAGE] = 64u << 10,
    };
    bool taken = lock_enter_critical(&file_lock);
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        if (ahead[kind])
            file_grow_locked(kind, file_tables[kind].mapped + ahead[kind]);
    }
    lock_leave_critical(&file_lock, taken);
}

void file_publish(enum mtf_kind kind, uint64_t count)
{
    file_tables[kind].count = count;
    mtf_publish_count(&file_header->tables[kind], count);
}

void *file_table(enum mtf_kind kind)
{
    return file_tables[kind].base;
}

uint64_t file_count(enum mtf_kind kind)
{
    return file_tables[kind].count;
}

void file_adopt(enum mtf_kind kind)
{
    uint64_t count = load_acquire(&file_header->tables[kind].count); /* MTF-PUBLISH */
    if (count * file_tables[kind].record_size <= file_tables[kind].mapped)
        file_tables[kind].count = count;
}

void file_clear(enum mtf_kind kind)
{
    file_publish(kind, 0);
}

void file_trim(uint64_t limit)
{
    unsigned shift = file_shift_for(limit);
    bool taken = lock_enter_critical(&file_lock);
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        struct file_table *table = &file_tables[kind];
        uint64_t room = file_table_room(kind, shift);
        if (room < table->mapped)
            room = table->mapped;
        if (room >= table->limit)
            continue;
        own_remove(table->base);
        own_add(table->base, room);
        sys_unmap(table->base + room, table->limit - room);
        table->limit = room;
    }
    lock_leave_critical(&file_lock, taken);
}

void file_lost(enum mtf_lost reason)
{
    if (file_header)
        add_relaxed(&file_header->totals.lost[reason], 1);
}

static size_t file_mapped_bytes(void)
{
    size_t total = file_header_room();
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        total += file_tables[kind].mapped;
    return total;
}

/* Puts the present bytes of header and tables into the new file, one extent a table. */
static int file_copy_out(void)
{
    int64_t start = disk_extend(file_mapped_bytes());
    if (start < 0)
        return (int)start;
    uint64_t offset = (uint64_t)start + file_header_room();
    file_header->extent_count = 0;
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        struct file_table *table = &file_tables[kind];
        if (table->mapped == 0)
            continue;
        int error = disk_write(table->base, table->count * table->record_size, offset);
        if (error)
            return error;
        file_add_extent(kind, offset, table->mapped);
        offset += table->mapped;
    }
    file_header->file_size = disk_length();
    return disk_write(file_header, MTF_HEADER_SIZE, (uint64_t)start);
}

/* From here on the file is the memory. */
static bool file_map_in(void)
{
    const struct mtf_header *header = file_header;
    file_shared = true;
    for (uint32_t i = 0; i < header->extent_count; i++) {
        const struct mtf_extent *extent = &header->extents[i];
        if (!disk_map(file_tables[extent->kind].base, extent->length, extent->offset))
            return false;
    }
    return disk_map(file_header, file_header_room(), 0);
}

/* Replaces [base, base + mapped) by a private copy of its first `used` bytes. */
static bool file_detach_range(char *base, size_t mapped, size_t used)
{
    if (mapped == 0)
        return true;
    char *copy = sys_map(mapped);
    if (copy == NULL)
        return false;
    memcpy(copy, base, used);
    long moved = sys_call(SYS_mremap, (long)copy, (long)mapped, (long)mapped,
                          MREMAP_MAYMOVE | MREMAP_FIXED, (long)base, 0);
    own_remove(copy);
    return !sys_failed(moved);
}

/* Private copies in place of what is mapped from a file. */
static bool file_make_private(void)
{
    if (!file_shared)
        return true;
    if (!file_detach_range((char *)file_header, file_header_room(), MTF_HEADER_SIZE))
        return false;
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++) {
        struct file_table *table = &file_tables[kind];
        if (!file_detach_range(table->base, table->mapped, table->count * table->record_size))
            return false;
        mtf_publish_count(&file_header->tables[kind], table->count);
    }
    file_header->extent_count = 0;
    file_shared = false;
    return true;
}

/* The name stands for a complete file from its first moment on, if `create` allows that. */
static int file_create_by(int (*create)(const char *), const char *path)
{
    int error = create(path);
    if (error)
        return error;
    error = file_copy_out();
    if (error == 0)
        error = disk_publish();
    if (error == 0 && !file_map_in())
        error = -ENOMEM;
    if (error) {
        disk_drop(true);
        file_header->extent_count = 0;
        file_make_private();
        return error;
    }
    file_on_disk = true;
    return 0;
}

int file_create(const char *path)
{
    int error = file_create_by(disk_create_hidden, path);
    return error == 0 || error == -EEXIST ? error : file_create_by(disk_create, path);
}

bool file_exists(void)
{
    return file_on_disk;
}

const char *file_path(void)
{
    return file_on_disk ? disk_path() : "";
}

bool file_detach(void)
{
    if (!file_make_private())
        return false;
    file_on_disk = false;
    disk_drop(false);
    return true;
}

/* The rest of a table's address space is reserved again. */
static void file_shrink_table(enum mtf_kind kind)
{
    struct file_table *table = &file_tables[kind];
    uint64_t used = table->count * table->record_size;
    uint64_t room = sys_round_to_page(used + used / 4);
    uint64_t first = sys_round_to_page(file_plan[kind].first);
    uint64_t kept = room < first ? first : room;
    if (kept < table->mapped &&
        !sys_failed(sys_mmap(table->base + kept, table->mapped - kept, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)))
        table->mapped = kept;
}

void file_shrink(void)
{
    for (enum mtf_kind kind = MTF_KIND_NAMES; kind < MTF_KIND_LIMIT; kind++)
        file_shrink_table(kind);
}

void file_fork_prepare(void)
{
    lock_hold(&file_lock);
}

void file_fork_parent(void)
{
    lock_release(&file_lock);
}

void file_fork_child(void)
{
    lock_reset(&file_lock);
}
