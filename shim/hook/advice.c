/*
 * madvise(MADV_DONTFORK): a copy of the process, in which a leak check would look, lacks that memory. V8 says so of its
 * whole heap.
 */
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "scan/copy.h"

#include <errno.h>
#include <sys/mman.h>

MT_EXPORT int madvise(void *address, size_t length, int advice);

/* A system call and no more, as libc's is: allocators call it with locks of theirs held. */
int madvise(void *address, size_t length, int advice)
{
    long result = SYS3(SYS_madvise, address, length, advice);
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    if (advice == MADV_DONTFORK)
        store_relaxed(&copy_lacks_memory, 1);
    return 0;
}
