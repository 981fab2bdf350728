/*
 * dlclose: what lay at an address is no longer what lies there. dlopen is not interposed: it looks
 * at its caller's RUNPATH, and the caller would be us. New modules are met at their first frame.
 */
#include "base/compiler.h"
#include "base/real.h"
#include "hook/hook.h"
#include "stack/module.h"
#include "start.h"

#include <dlfcn.h>
#include <errno.h>

MT_EXPORT int dlclose(void *handle);

int dlclose(void *handle)
{
    static int (*next)(void *); /* the same value whoever writes it */
    int (*call)(void *) = __atomic_load_n(&next, __ATOMIC_RELAXED);
    if (call == NULL) {
        real_take(&call, "dlclose");
        __atomic_store_n(&next, call, __ATOMIC_RELAXED);
    }
    int result = call(handle);
    int host_errno = errno;
    if (start_owns_report())
        module_rescan();
    errno = host_errno;
    return result;
}
