#include "hook/confine.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/real.h"
#include "base/sys.h"
#include "start.h"
#include "store/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/prctl.h>

MT_EXPORT int prctl(int option, ...);

static int (*confine_prctl)(int, ...); /* written by confine_start */

void confine_start(void)
{
    real_take(&confine_prctl, "prctl");
}

static bool confine_begins(int option)
{
    return option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP;
}

/* libc's own takes four more arguments, whatever was given. */
int prctl(int option, ...)
{
    unsigned long arguments[4];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    if (MT_UNLIKELY(confine_prctl == NULL))
        confine_start();
    if (confine_prctl == NULL) {
        errno = ENOSYS;
        return -1;
    }
    bool begins = confine_begins(option) && !load_relaxed(&sys_confined);
    if (begins && start_owns_report())
        file_grow_ahead();
    int result = confine_prctl(option, arguments[0], arguments[1], arguments[2], arguments[3]);
    if (begins && result == 0)
        store_relaxed(&sys_confined, true);
    return result;
}
