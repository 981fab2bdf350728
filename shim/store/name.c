#include "store/name.h"
#include "base/lock.h"
#include "store/file.h"

#include <string.h>

static struct lock name_lock = {.rank = LOCK_NAME};

/* The empty name at offset 0, so that a reference of 0 needs no test. */
static bool name_start_locked(void)
{
    if (file_count(MTF_KIND_NAMES) > 0)
        return true;
    uint64_t at = file_reserve(MTF_KIND_NAMES, sizeof(struct mtf_name) + 4);
    if (at == FILE_FULL)
        return false;
    file_publish(MTF_KIND_NAMES, at + sizeof(struct mtf_name) + 4);
    return true;
}

static mtf_name_ref name_add_locked(const char *bytes, size_t length)
{
    size_t room = sizeof(struct mtf_name) + ((length + 1 + 3) & ~(size_t)3);
    if (!name_start_locked())
        return 0;
    uint64_t at = file_reserve(MTF_KIND_NAMES, room);
    if (at == FILE_FULL || at > UINT32_MAX)
        return 0;
    char *name = (char *)file_table(MTF_KIND_NAMES) + at;
    uint32_t header = (uint32_t)length;
    memcpy(name, &header, sizeof header);
    memcpy(name + sizeof header, bytes, length);
    file_publish(MTF_KIND_NAMES, at + room);
    return (mtf_name_ref)at;
}

mtf_name_ref name_add(const char *bytes, size_t length)
{
    if (length == 0 || length >= UINT32_MAX / 2)
        return 0;
    bool taken = lock_enter_critical(&name_lock);
    mtf_name_ref name = name_add_locked(bytes, length);
    lock_leave_critical(&name_lock, taken);
    return name;
}

const char *name_text(mtf_name_ref name)
{
    return (const char *)file_table(MTF_KIND_NAMES) + name + sizeof(struct mtf_name);
}

void name_fork_prepare(void)
{
    lock_hold(&name_lock);
}

void name_fork_parent(void)
{
    lock_release(&name_lock);
}

void name_fork_child(void)
{
    lock_reset(&name_lock);
}
