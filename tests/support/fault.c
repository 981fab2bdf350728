#include "fault.h"
#include "base/sys.h"

#include <errno.h>
#include <limits.h>

static long fault_first = LONG_MAX; /* number of the first mapping that fails, from 0 */
static long fault_last = LONG_MAX;  /* and of the last */
static long fault_count;

void *__real_sys_map(size_t size);
void *__wrap_sys_map(size_t size);
intptr_t __real_sys_mmap(void *at, size_t size, int protection, int flags, int fd, uint64_t offset);
intptr_t __wrap_sys_mmap(void *at, size_t size, int protection, int flags, int fd, uint64_t offset);

static void fault_set(long first, long last)
{
    __atomic_store_n(&fault_count, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&fault_first, first, __ATOMIC_SEQ_CST);
    __atomic_store_n(&fault_last, last, __ATOMIC_SEQ_CST);
}

void fault_all_after(long n)
{
    fault_set(n, LONG_MAX - 1);
}

void fault_one_after(long n)
{
    fault_set(n, n);
}

void fault_none(void)
{
    fault_set(LONG_MAX, LONG_MAX);
}

long fault_asked(void)
{
    return __atomic_load_n(&fault_count, __ATOMIC_SEQ_CST);
}

static bool fault_now(void)
{
    long number = __atomic_fetch_add(&fault_count, 1, __ATOMIC_SEQ_CST);
    return number >= __atomic_load_n(&fault_first, __ATOMIC_SEQ_CST) &&
           number <= __atomic_load_n(&fault_last, __ATOMIC_SEQ_CST);
}

void *__wrap_sys_map(size_t size)
{
    return fault_now() ? NULL : __real_sys_map(size);
}

intptr_t __wrap_sys_mmap(void *at, size_t size, int protection, int flags, int fd, uint64_t offset)
{
    return fault_now() ? -ENOMEM : __real_sys_mmap(at, size, protection, flags, fd, offset);
}
