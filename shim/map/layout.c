#include "map/layout.h"
#include "base/atomic.h"
#include "base/heap.h"
#include "base/sys.h"
#include "map/layout_parts.h"
#include "map/map.h"
#include "map/smaps.h"
#include "map/usable.h"
#include "memtrack/format.h"
#include "store/file.h"
#include "track/live.h"
#include "track/thread.h"

#include <errno.h>

#define LAYOUT_HEAP_PAGES (16ul << 20) /* of which live blocks are looked for: 64 GiB of 4 KiB */
#define LAYOUT_MINCORE_PAGES 4096u

struct layout {
    struct layout_parts parts;
    struct layout_part *last; /* in which the last block was found: the next one mostly is, too */
    uint8_t *pages;           /* a bit for each page of the parts that may be heap */
    uint64_t page_count;
    size_t page;
    struct usable usable;
};

/* ---- where live blocks are ---- */

/* Without a name, and nobody's so far: the allocator's, if blocks live there. */
static bool layout_may_be_heap(const struct layout_part *part)
{
    return part->kind == MTF_REGION_HEAP || (part->kind == MTF_REGION_OTHER && part->path == 0);
}

static void layout_number_pages(struct layout *layout)
{
    for (size_t i = 0; i < layout->parts.count; i++) {
        struct layout_part *part = &layout->parts.parts[i];
        part->first_bit = layout->page_count;
        if (layout_may_be_heap(part))
            layout->page_count += (part->end - part->start) / layout->page;
    }
    if (layout->page_count > 0 && layout->page_count <= LAYOUT_HEAP_PAGES)
        layout->pages = heap_alloc(layout->page_count / 8 + 1);
}

static void layout_mark_pages(struct layout *layout, const struct layout_part *part,
                              uintptr_t start, uintptr_t end)
{
    if (end > part->end)
        end = part->end;
    uint64_t first = part->first_bit + (start - part->start) / layout->page;
    uint64_t last = part->first_bit + (end - 1 - part->start) / layout->page;
    for (uint64_t bit = first; bit <= last; bit++)
        layout->pages[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void layout_mark_block(const void *address, const struct live_block *block, void *context)
{
    struct layout *layout = context;
    uintptr_t at = (uintptr_t)address;
    struct layout_part *part = layout->last;
    usable_add(&layout->usable, at, block);
    if (part == NULL || at < part->start || at >= part->end) {
        part = layout_parts_find(&layout->parts, at);
        if (part == NULL)
            return;
        layout->last = part;
    }
    part->has_blocks = true;
    if (layout->pages && layout_may_be_heap(part))
        layout_mark_pages(layout, part, at, at + (block->size ? block->size : 1));
}

static void layout_find_heap(struct layout *layout)
{
    layout_number_pages(layout);
    usable_begin(&layout->usable);
    live_each(layout_mark_block, layout);
    usable_end(&layout->usable);
    for (size_t i = 0; i < layout->parts.count; i++) {
        struct layout_part *part = &layout->parts.parts[i];
        if (part->has_blocks && layout_may_be_heap(part))
            part->kind = MTF_REGION_HEAP;
    }
}

/* Zero-initialised data behind a module's file has no name of its own. */
static void layout_find_modules(struct layout *layout)
{
    for (size_t i = 1; i < layout->parts.count; i++) {
        struct layout_part *part = &layout->parts.parts[i];
        const struct layout_part *before = part - 1;
        if (part->kind == MTF_REGION_OTHER && part->path == 0 &&
            before->kind == MTF_REGION_MODULE && before->path != 0 && before->end == part->start)
            part->kind = MTF_REGION_MODULE;
    }
}

/* The main thread's thread-local data, which the loader made for it. Other threads' lie in their stacks. */
static void layout_find_tls(struct layout *layout)
{
    struct layout_part *part =
        layout_parts_find(&layout->parts, (uintptr_t)__builtin_thread_pointer());
    if (part && part->kind == MTF_REGION_OTHER && part->path == 0)
        part->kind = MTF_REGION_MODULE;
}

/* ---- threads ---- */

static bool layout_holds_stack(const struct layout_part *part)
{
    return part->kind == MTF_REGION_STACK ||
           (part->kind == MTF_REGION_OTHER && part->path == 0 && !part->has_blocks);
}

/* Until now stack_start was some address in the stack. */
static void layout_note_stack(struct layout *layout, uint32_t index, struct mtf_thread *thread)
{
    struct layout_part *part = layout_parts_find(&layout->parts, thread->stack_start);
    if (part == NULL || !layout_holds_stack(part))
        return;
    bool taken = part->kind == MTF_REGION_STACK && part->thread != 0;
    if (taken && (thread->flags & MTF_THREAD_ENDED))
        return;
    part->kind = MTF_REGION_STACK;
    part->thread = index;
    if (thread->flags & MTF_THREAD_ENDED)
        return; /* libc keeps the stack for the next thread */
    thread->stack_start = part->start;
    thread->stack_resident = part->resident;
    thread->stack_bytes = part->end - part->start;
}

/* Living threads first: a stack that libc gave again belongs to who has it now. */
static void layout_find_stacks(struct layout *layout)
{
    struct mtf_thread *threads = file_table(MTF_KIND_THREADS);
    uint64_t count = file_count(MTF_KIND_THREADS);
    for (int ended = 0; ended < 2; ended++) {
        for (uint32_t i = 1; i < count; i++) {
            if (((threads[i].flags & MTF_THREAD_ENDED) != 0) == ended &&
                threads[i].stack_bytes == 0)
                layout_note_stack(layout, i, &threads[i]);
        }
    }
}

/* ---- what the allocator keeps ---- */

/* Resident pages of a part in which no live block lies. */
static uint64_t layout_idle_pages(const struct layout *layout, const struct layout_part *part)
{
    unsigned char core[LAYOUT_MINCORE_PAGES];
    uint64_t count = (part->end - part->start) / layout->page;
    uint64_t idle = 0;
    for (uint64_t done = 0; done < count;) {
        uint64_t piece = count - done < LAYOUT_MINCORE_PAGES ? count - done : LAYOUT_MINCORE_PAGES;
        if (SYS3(SYS_mincore, part->start + done * layout->page, piece * layout->page, core) != 0)
            return idle;
        for (uint64_t i = 0; i < piece; i++) {
            uint64_t bit = part->first_bit + done + i;
            idle += (core[i] & 1) && !(layout->pages[bit / 8] >> bit % 8 & 1);
        }
        done += piece;
    }
    return idle;
}

static void layout_sum_up(const struct layout *layout)
{
    struct mtf_mapped *mapped = &file_header->mapped;
    uint64_t idle = 0;
    mapped->allocator_held = mapped->resident = 0;
    for (size_t i = 0; i < layout->parts.count; i++) {
        const struct layout_part *part = &layout->parts.parts[i];
        mapped->resident += part->resident;
        if (part->kind != MTF_REGION_HEAP || part->protection == 0)
            continue;
        mapped->allocator_held += part->end - part->start;
        if (layout->pages)
            idle += layout_idle_pages(layout, part);
    }
    mapped->allocator_trimmable = idle * layout->page;
    mapped->usable_bytes = file_header->flags & MTF_FLAG_NEXT_ALLOCATOR ? 0 : layout->usable.all;
    uint64_t used = mapped->usable_bytes ? mapped->usable_bytes : file_header->totals.current_bytes;
    mapped->allocator_free = mapped->allocator_held > used ? mapped->allocator_held - used : 0;
    mapped->resident_peak = smaps_field("/proc/thread-self/status", "VmHWM");
}

/* ---- the tables ---- */

/* Neighbours that differ in nothing are one region. */
static bool layout_joins(const struct mtf_region *before, const struct layout_part *part)
{
    return before->end == part->start && before->kind == part->kind &&
           before->protection == part->protection && before->path == part->path &&
           before->thread == part->thread && part->kind != MTF_REGION_STACK;
}

static void layout_write_regions(const struct layout *layout)
{
    struct mtf_region *records = file_table(MTF_KIND_REGIONS);
    uint64_t count = 0;
    if (file_reserve(MTF_KIND_REGIONS, layout->parts.count) == FILE_FULL)
        return;
    for (size_t i = 0; i < layout->parts.count; i++) {
        const struct layout_part *part = &layout->parts.parts[i];
        if (count > 0 && layout_joins(&records[count - 1], part)) {
            records[count - 1].end = part->end;
            records[count - 1].resident += part->resident;
            records[count - 1].dirty += part->dirty;
            records[count - 1].swapped += part->swapped;
            continue;
        }
        records[count++] = (struct mtf_region){.start = part->start,
                                               .end = part->end,
                                               .resident = part->resident,
                                               .dirty = part->dirty,
                                               .swapped = part->swapped,
                                               .kind = part->kind,
                                               .protection = part->protection,
                                               .path = part->path,
                                               .thread = part->thread};
    }
    file_publish(MTF_KIND_REGIONS, count);
}

struct layout_mappings {
    const struct layout *layout;
    uint64_t room;
    uint64_t count;
};

static uint32_t layout_mapping_flags(const struct layout *layout, const struct map_piece *piece)
{
    uint32_t flags = piece->origin.inherited ? MTF_MAPPING_INHERITED : 0;
    for (const struct layout_part *part = layout_parts_find(&layout->parts, piece->start);
         part && part < layout->parts.parts + layout->parts.count && part->start < piece->end;
         part++)
        flags |= part->has_blocks ? MTF_MAPPING_ALLOCATOR : 0;
    return flags;
}

static void layout_write_mapping(const struct map_piece *piece, void *context)
{
    struct layout_mappings *work = context;
    const struct map_origin *origin = &piece->origin;
    if (work->count == work->room)
        return;
    struct mtf_mapping *record =
        (struct mtf_mapping *)file_table(MTF_KIND_MAPPINGS) + work->count++;
    *record = (struct mtf_mapping){.address = piece->start,
                                   .length = piece->end - piece->start,
                                   .offset = piece->offset,
                                   .sequence = origin->sequence,
                                   .site = origin->site,
                                   .thread = origin->thread,
                                   .kind = origin->kind,
                                   .protection = origin->protection,
                                   .flags = origin->flags,
                                   .path = origin->path,
                                   .mapping_flags = layout_mapping_flags(work->layout, piece)};
}

static void layout_write_mappings(const struct layout *layout)
{
    struct layout_mappings work = {.layout = layout, .room = map_count()};
    if (file_reserve(MTF_KIND_MAPPINGS, work.room) == FILE_FULL)
        return;
    map_each(layout_write_mapping, &work);
    file_publish(MTF_KIND_MAPPINGS, work.count);
}

void layout_write(void)
{
    struct layout layout = {.page = sys_page_size()};
    layout_forget();
    if (load_relaxed(&sys_confined)) {
        layout_write_mappings(&layout);
        return;
    }
    thread_note_ends();
    bool whole = layout_parts_read(&layout.parts);
    if (layout.parts.count > 0) {
        layout_find_heap(&layout);
        layout_find_modules(&layout);
        layout_find_stacks(&layout);
        layout_find_tls(&layout);
        layout_write_regions(&layout);
        layout_sum_up(&layout);
    }
    if (!whole) /* a sum over a part of the process would explain nothing */
        file_header->mapped.resident = smaps_field("/proc/thread-self/status", "VmRSS");
    layout_write_mappings(&layout);
    heap_free(layout.pages, layout.page_count / 8 + 1);
    layout_parts_free(&layout.parts);
}

void layout_forget(void)
{
    file_clear(MTF_KIND_REGIONS);
    file_clear(MTF_KIND_MAPPINGS);
}
