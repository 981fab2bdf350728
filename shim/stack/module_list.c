#include "stack/module_list.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/sys.h"

#include <string.h>

static struct module_entry *list;
static uint32_t list_count;
static uint32_t list_version; /* odd while the list changes. MODULE-LIST */

bool module_list_start(void)
{
    if (!list)
        list = sys_map(MODULE_LIST_MAX * sizeof(*list));
    return list != NULL;
}

size_t module_list_count(void)
{
    return load_relaxed(&list_count);
}

struct module_entry *module_list_entry(size_t index)
{
    return &list[index];
}

size_t module_list_first(uintptr_t address)
{
    size_t low = 0, high = load_relaxed(&list_count);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (load_relaxed(&list[middle].end) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool module_list_at(uintptr_t pc, struct module_entry *entry)
{
    if (MT_UNLIKELY(!list))
        return false;
    for (;;) {
        uint32_t version = load_acquire(&list_version); /* MODULE-LIST */
        size_t index = module_list_first(pc);
        bool found = index < load_relaxed(&list_count);
        if (found)
            memcpy(entry, &list[index], sizeof(*entry));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (MT_LIKELY(!(version & 1) && load_relaxed(&list_version) == version))
            return found && pc >= entry->start && pc < entry->end;
    }
}

bool module_list_find(uintptr_t pc, struct module_image *image)
{
    struct module_entry entry;
    if (!module_list_at(pc, &entry))
        return false;
    *image = (struct module_image){.start = entry.start,
                                   .end = entry.end,
                                   .bias = entry.bias,
                                   .unwind_table = entry.unwind_table};
    return true;
}

static void list_change_begin(void)
{
    store_relaxed(&list_version, list_version + 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void list_change_end(void)
{
    store_release(&list_version, list_version + 1); /* MODULE-LIST */
}

bool module_list_add(const struct module_entry *entry)
{
    if (!list || list_count == MODULE_LIST_MAX)
        return false;
    size_t index = module_list_first(entry->start);
    list_change_begin();
    memmove(&list[index + 1], &list[index], (list_count - index) * sizeof(*list));
    list[index] = *entry;
    store_relaxed(&list_count, list_count + 1);
    list_change_end();
    return true;
}

void module_list_remove(size_t index)
{
    list_change_begin();
    memmove(&list[index], &list[index + 1], (list_count - index - 1) * sizeof(*list));
    store_relaxed(&list_count, list_count - 1);
    list_change_end();
}

void module_list_fork_child(void)
{
    if (!(list_version & 1))
        return;
    list_count = 0;
    list_version++;
}
