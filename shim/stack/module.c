#include "stack/module.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "stack/module_image.h"
#include "stack/module_list.h"
#include "stack/module_path.h"
#include "stack/signals.h"
#include "store/file.h"
#include "store/name.h"

#include <link.h>
#include <string.h>
#include <sys/auxv.h>

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* What one pass over the loader's list collects: copies, for it is used after the list is let go.
 */
struct module_seen {
    struct module_image image;
    uint8_t build_id[MTF_BUILD_ID_MAX];
    char name[MODULE_PATH_MAX];
};

struct module_scan {
    struct module_seen *seen; /* a mapping of `room` entries */
    size_t room;
    size_t count;              /* may exceed room: then the pass is made again */
    unsigned long long change; /* of the loader's list: additions and removals */
};

uint32_t module_epoch;

static struct lock module_lock = {0};
static uintptr_t shim_start;              /* written by module_start */
static uintptr_t shim_end;                /* written by module_start */
static unsigned long long module_change;  /* newest loader list applied; LOCK_MODULE */
static uint32_t module_scans;             /* LOCK_MODULE */
static char module_path[MODULE_PATH_MAX]; /* LOCK_MODULE */

struct module_hold {
    struct signals signals;
    bool taken;
};

/* With signals blocked: a handler's capture may need the lock, and must not find it held by the
   thread that it interrupted. */
static void module_hold(struct module_hold *hold)
{
    signals_block(&hold->signals);
    hold->taken = lock_enter(&module_lock);
}

static void module_release(const struct module_hold *hold)
{
    lock_leave(&module_lock, hold->taken);
    signals_restore(&hold->signals);
}

void module_shim_range(void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context)
{
    visit(shim_start, shim_end, context);
}

bool module_is_shim(uintptr_t pc)
{
    return pc - shim_start < shim_end - shim_start;
}

uint64_t module_bias(uint32_t module)
{
    const struct mtf_module *records = file_table(MTF_KIND_MODULES);
    return module ? records[module].bias : 0;
}

static uint32_t module_flags(const struct module_image *image)
{
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), loader = getauxval(AT_BASE);
    uintptr_t program = getauxval(AT_PHDR);
    if (vdso && vdso >= image->start && vdso < image->end)
        return MTF_MODULE_VDSO;
    if (program >= image->start && program < image->end)
        return MTF_MODULE_PROGRAM;
    if (loader >= image->start && loader < image->end)
        return MTF_MODULE_LOADER;
    return shim_start >= image->start && shim_start < image->end ? MTF_MODULE_SHIM : 0;
}

static void module_fill(struct mtf_module *record, const struct module_image *image)
{
    size_t length = image->build_id_length;
    if (length > MTF_BUILD_ID_MAX)
        length = MTF_BUILD_ID_MAX;
    record->flags = module_flags(image);
    record->bias = image->bias;
    record->start = image->start;
    record->end = image->end;
    record->loaded = load_relaxed(&file_header->totals.sequence);
    record->build_id_length = (uint32_t)length;
    if (length)
        memcpy(record->build_id, image->build_id, length);
    module_path_find(image->name, record->flags, module_path);
    module_path_identify(module_path, record);
}

/* Is it the same file at the same place? What cannot be told is not. */
static bool module_is_same(const struct mtf_module *old, const struct mtf_module *now)
{
    return old->unloaded && old->start == now->start && old->end == now->end &&
           old->bias == now->bias && old->flags == now->flags && now->inode &&
           old->inode == now->inode && old->file_size == now->file_size &&
           old->mtime_ns == now->mtime_ns && old->build_id_length == now->build_id_length &&
           memcmp(old->build_id, now->build_id, sizeof old->build_id) == 0 &&
           strcmp(name_text(old->path), module_path) == 0;
}

/* A plugin that comes and goes keeps its record, and its call sites are the same: a program that loads one a
   thousand times has its leak in one place, not in a thousand. LOCK_MODULE is held. */
static uint32_t module_again(const struct mtf_module *now)
{
    struct mtf_module *records = file_table(MTF_KIND_MODULES);
    for (uint64_t id = file_count(MTF_KIND_MODULES); id-- > 1;) {
        if (module_is_same(&records[id], now)) {
            store_relaxed(&records[id].unloaded, 0);
            return (uint32_t)id;
        }
    }
    return 0;
}

/* Writes a record; its id, or 0 when the table is full. LOCK_MODULE is held. */
static uint32_t module_record(const struct module_image *image)
{
    struct mtf_module *records = file_table(MTF_KIND_MODULES), now = {0};
    module_fill(&now, image);
    uint32_t again = module_again(&now);
    if (again)
        return again;
    uint64_t id = file_reserve(MTF_KIND_MODULES, 1);
    if (id == FILE_FULL || id > UINT32_MAX) {
        file_lost(MTF_LOST_MODULE);
        return 0;
    }
    now.path = name_add(module_path, strlen(module_path));
    records[id] = now;
    file_publish(MTF_KIND_MODULES, id + 1);
    return (uint32_t)id;
}

/* LOCK_MODULE is held. */
static void module_unload(size_t index)
{
    struct mtf_module *records = file_table(MTF_KIND_MODULES);
    struct mtf_module *record = &records[module_list_entry(index)->id];
    uint64_t now = load_relaxed(&file_header->totals.sequence);
    store_relaxed(&record->unloaded, now ? now : 1);
    module_list_remove(index);
    store_release(&module_epoch, module_epoch + 1); /* MODULE-EPOCH */
}

/* The image may be one segment of it. */
static bool module_is_entry(const struct module_entry *entry, const struct module_image *image)
{
    return entry->start <= image->start && entry->end >= image->end && entry->bias == image->bias &&
           entry->unwind_table == image->unwind_table;
}

/* Removes what lies where `image` now is: it was unloaded unseen. LOCK_MODULE is held. */
static void module_make_room(const struct module_image *image)
{
    size_t index = module_list_first(image->start);
    while (index < module_list_count() && module_list_entry(index)->start < image->end)
        module_unload(index);
}

/* LOCK_MODULE is held. */
static uint32_t module_add(const struct module_image *image)
{
    struct module_entry entry = {.start = image->start,
                                 .end = image->end,
                                 .bias = image->bias,
                                 .unwind_table = image->unwind_table,
                                 .seen = module_scans};
    module_make_room(image);
    entry.id = module_record(image);
    if (entry.id && !module_list_add(&entry))
        file_lost(MTF_LOST_MODULE);
    return entry.id;
}

static uint32_t module_find_slow(struct module_image *image)
{
    struct module_hold hold;
    struct module_entry entry;
    uint32_t id;
    module_hold(&hold);
    if (module_list_at(image->start, &entry) && module_is_entry(&entry, image)) {
        id = entry.id;
    } else {
        module_image_complete(image);
        id = module_add(image);
    }
    module_release(&hold);
    return id;
}

uint32_t module_find(uintptr_t pc)
{
    struct module_image image;
    struct module_entry entry;
    if (!module_image_find(pc, &image))
        return 0;
    if (MT_LIKELY(module_list_at(pc, &entry) && module_is_entry(&entry, &image)))
        return entry.id;
    return module_find_slow(&image);
}

/* Runs under the loader's lock: copies, and takes no lock of ours. */
static int module_see(struct dl_phdr_info *info, size_t size, void *data)
{
    struct module_scan *scan = data;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs))
        scan->change = info->dlpi_adds + info->dlpi_subs;
    if (scan->count++ >= scan->room)
        return 0;
    struct module_seen *seen = &scan->seen[scan->count - 1];
    struct module_image *image = &seen->image;
    module_image_from_headers(info, image);
    strncpy(seen->name, info->dlpi_name ? info->dlpi_name : "", sizeof(seen->name) - 1);
    image->name = seen->name;
    if (image->build_id_length > MTF_BUILD_ID_MAX)
        image->build_id_length = MTF_BUILD_ID_MAX;
    if (image->build_id)
        image->build_id = memcpy(seen->build_id, image->build_id, image->build_id_length);
    return 0;
}

/* A copy of the loader's list; false if there is no memory for it. Unmap scan->seen after use. */
static bool module_scan(struct module_scan *scan)
{
    *scan = (struct module_scan){.room = 64};
    for (;;) {
        scan->seen = sys_map(scan->room * sizeof(*scan->seen));
        if (!scan->seen)
            return false;
        scan->count = 0;
        dl_iterate_phdr(module_see, scan);
        if (scan->count <= scan->room)
            return true;
        sys_unmap(scan->seen, scan->room * sizeof(*scan->seen));
        scan->room = scan->count * 2;
    }
}

/* A scan does not show modules of other namespaces, nor one that came after it was made. */
static bool module_is_gone(const struct module_entry *entry)
{
    struct module_image image;
    if (entry->seen == module_scans)
        return false;
    return !module_image_is_asked() || !module_image_find(entry->start, &image) ||
           !module_is_entry(entry, &image);
}

/* LOCK_MODULE is held. */
static void module_apply(const struct module_scan *scan)
{
    module_scans++;
    for (size_t i = 0; i < scan->count; i++) {
        const struct module_image *image = &scan->seen[i].image;
        size_t index = module_list_first(image->start);
        if (image->start >= image->end)
            continue;
        if (index < module_list_count() && module_is_entry(module_list_entry(index), image))
            module_list_entry(index)->seen = module_scans;
        else
            module_add(image);
    }
    for (size_t i = module_list_count(); i-- > 0;)
        if (module_is_gone(module_list_entry(i)))
            module_unload(i);
}

/* Two threads may come here with copies of different age; the older one is dropped. */
void module_rescan(void)
{
    struct module_scan scan;
    struct module_hold hold;
    if (!module_scan(&scan))
        return;
    module_hold(&hold);
    if (scan.change >= module_change) {
        module_change = scan.change;
        module_apply(&scan);
    }
    module_release(&hold);
    sys_unmap(scan.seen, scan.room * sizeof(*scan.seen));
}

/* Where the shim is linked into the program (unit tests), no address is the shim's. */
void module_start(void)
{
    uintptr_t headers = getauxval(AT_PHDR);
    shim_start = (uintptr_t)__ehdr_start;
    shim_end = (uintptr_t)_end;
    if (headers >= shim_start && headers < shim_end)
        shim_end = shim_start;
    if (file_count(MTF_KIND_MODULES) == 0 && file_reserve(MTF_KIND_MODULES, 1) != FILE_FULL)
        file_publish(MTF_KIND_MODULES, 1); /* the unknown module */
    if (module_list_start() && !module_image_is_asked())
        module_rescan();
}

void module_fork_child(void)
{
    lock_reset(&module_lock);
    module_list_fork_child();
}
