#include "map/layout_parts.h"
#include "base/heap.h"
#include "base/own.h"
#include "base/sys.h"
#include "map/layout.h"
#include "map/map.h"
#include "map/map_path.h"
#include "map/smaps.h"
#include "stack/module.h"
#include "stack/module_list.h"
#include "store/file.h"

#include <string.h>
#include <sys/mman.h>

#define PARTS_FIRST 128u
#define PARTS_MINCORE_PAGES 4096u
#define PARTS_MINCORE_MOST (16ul << 30) /* bytes of one part that are looked at */

/* Room for one more record of an array that doubles. */
static void *parts_room(void *array, size_t count, size_t *room, size_t record)
{
    if (count < *room)
        return array;
    size_t more = *room ? *room * 2 : PARTS_FIRST;
    void *bigger = heap_alloc(more * record);
    if (bigger == NULL)
        return NULL;
    if (array) {
        memcpy(bigger, array, count * record);
        heap_free(array, *room * record);
    }
    *room = more;
    return bigger;
}

/* ---- claims ---- */

static void parts_claim(struct layout_parts *parts, uintptr_t start, uintptr_t end, uint32_t kind)
{
    struct layout_claim *claims =
        parts_room(parts->claims, parts->claim_count, &parts->claim_room, sizeof *claims);
    if (claims == NULL)
        return;
    parts->claims = claims;
    claims[parts->claim_count++] = (struct layout_claim){start, end, kind};
}

static void parts_claim_mapping(const struct map_piece *piece, void *context)
{
    if (piece->origin.kind != MTF_MAP_BREAK) /* lies in the kernel's [heap] */
        parts_claim(context, piece->start, piece->end, MTF_REGION_MAPPING);
}

static void parts_claim_own(uintptr_t start, uintptr_t end, void *context)
{
    uintptr_t page = sys_page_size();
    parts_claim(context, start & ~(page - 1), (end + page - 1) & ~(page - 1), MTF_REGION_MEMTRACK);
}

static void parts_sift(struct layout_claim *claims, size_t at, size_t count)
{
    struct layout_claim moved = claims[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && claims[child + 1].start > claims[child].start)
            child++;
        if (claims[child].start <= moved.start)
            break;
        claims[at] = claims[child];
    }
    claims[at] = moved;
}

/* Heapsort: libc's qsort may allocate. */
static void parts_sort(struct layout_claim *claims, size_t count)
{
    for (size_t at = count / 2; at-- > 0;)
        parts_sift(claims, at, count);
    for (size_t left = count; left-- > 1;) {
        struct layout_claim first = claims[0];
        claims[0] = claims[left];
        claims[left] = first;
        parts_sift(claims, 0, left);
    }
}

/* ---- what the kernel has ---- */

static bool parts_is(const struct smaps_entry *entry, const char *path)
{
    size_t length = strlen(path);
    return entry->path_length >= length && memcmp(entry->path, path, length) == 0;
}

static bool parts_is_library(const struct smaps_entry *entry)
{
    return (entry->protection & PROT_EXEC) || memmem(entry->path, entry->path_length, ".so", 3);
}

static uint32_t parts_kind_of_named(const struct smaps_entry *entry)
{
    if (parts_is(entry, "[heap]"))
        return MTF_REGION_HEAP;
    if (parts_is(entry, "[stack"))
        return MTF_REGION_STACK;
    if (parts_is(entry, "[v") || parts_is(entry, "[uprobes]"))
        return MTF_REGION_KERNEL;
    if (entry->path[0] != '/')
        return MTF_REGION_OTHER; /* [anon:...] */
    return parts_is_library(entry) ? MTF_REGION_MODULE : MTF_REGION_OTHER;
}

static uint32_t parts_kind(const struct smaps_entry *entry)
{
    struct module_entry module;
    if (entry->path[0] == '[')
        return parts_kind_of_named(entry);
    if (module_is_shim(entry->start))
        return MTF_REGION_MEMTRACK;
    if (module_list_at(entry->start, &module))
        return MTF_REGION_MODULE;
    return entry->path_length ? parts_kind_of_named(entry) : (uint32_t)MTF_REGION_OTHER;
}

static struct layout_part *parts_add(struct layout_parts *parts, const struct smaps_entry *entry,
                                     uintptr_t start, uintptr_t end, uint32_t kind)
{
    struct layout_part *array =
        parts->count < LAYOUT_PARTS_MAX
            ? parts_room(parts->parts, parts->count, &parts->room, sizeof *array)
            : NULL;
    if (array == NULL)
        return NULL;
    parts->parts = array;
    struct layout_part *part = &array[parts->count++];
    *part = (struct layout_part){.start = start,
                                 .end = end,
                                 .kind = kind,
                                 .protection = entry->protection,
                                 .path = map_path_intern(entry->path, entry->path_length)};
    return part;
}

/* Cuts an entry at the claims in it. */
static bool parts_cut(struct layout_parts *parts, const struct smaps_entry *entry)
{
    uint32_t kind = parts_kind(entry);
    for (uintptr_t at = entry->start; at < entry->end;) {
        while (parts->next_claim < parts->claim_count && parts->claims[parts->next_claim].end <= at)
            parts->next_claim++;
        const struct layout_claim *claim =
            parts->next_claim < parts->claim_count ? &parts->claims[parts->next_claim] : NULL;
        bool inside = claim && claim->start <= at;
        uintptr_t end = claim == NULL ? entry->end : inside ? claim->end : claim->start;
        if (end > entry->end)
            end = entry->end;
        if (parts_add(parts, entry, at, end, inside ? claim->kind : kind) == NULL)
            return false;
        at = end;
    }
    return true;
}

static uint64_t parts_in_core(uintptr_t start, uintptr_t end)
{
    unsigned char pages[PARTS_MINCORE_PAGES];
    size_t page = sys_page_size();
    uint64_t resident = 0;
    if (end - start > PARTS_MINCORE_MOST)
        end = start + PARTS_MINCORE_MOST;
    while (start < end) {
        size_t count = (end - start + page - 1) / page;
        if (count > PARTS_MINCORE_PAGES)
            count = PARTS_MINCORE_PAGES;
        if (SYS3(SYS_mincore, start, count * page, pages) != 0)
            return resident;
        for (size_t i = 0; i < count; i++)
            resident += pages[i] & 1 ? page : 0;
        start += count * page;
    }
    return resident;
}

/* Shares an entry's figures out among the parts that it was cut into. */
static void parts_share_out(struct layout_part *part, size_t count, const struct smaps_entry *entry)
{
    uint64_t left = entry->resident;
    for (size_t i = 0; i < count; i++, part++) {
        bool last = i + 1 == count;
        uint64_t resident = last || left == 0 ? left : parts_in_core(part->start, part->end);
        part->resident = resident < left ? resident : left;
        left -= part->resident;
        if (entry->resident >> 12) {
            part->dirty = (entry->dirty >> 12) * (part->resident >> 12) / (entry->resident >> 12)
                          << 12;
            part->swapped = entry->swapped / count;
        }
    }
}

static bool parts_visit(const struct smaps_entry *entry, void *context)
{
    struct layout_parts *parts = context;
    size_t first = parts->count;
    bool room = parts_cut(parts, entry);
    if (parts->count == first + 1) {
        parts->parts[first].resident = entry->resident;
        parts->parts[first].dirty = entry->dirty;
        parts->parts[first].swapped = entry->swapped;
    } else if (parts->count > first) {
        parts_share_out(&parts->parts[first], parts->count - first, entry);
    }
    return room;
}

bool layout_parts_read(struct layout_parts *parts)
{
    map_each(parts_claim_mapping, parts);
    own_each(parts_claim_own, parts);
    parts_sort(parts->claims, parts->claim_count);
    return smaps_each("/proc/thread-self/smaps", parts_visit, parts);
}

struct layout_part *layout_parts_find(const struct layout_parts *parts, uintptr_t address)
{
    size_t low = 0, high = parts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (parts->parts[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < parts->count && address >= parts->parts[low].start;
    return found ? &parts->parts[low] : NULL;
}

void layout_parts_free(struct layout_parts *parts)
{
    heap_free(parts->parts, parts->room * sizeof *parts->parts);
    heap_free(parts->claims, parts->claim_room * sizeof *parts->claims);
    *parts = (struct layout_parts){0};
}
