#include "hook/limit.h"
#include "base/compiler.h"
#include "base/real.h"
#include "base/sys.h"
#include "start.h"
#include "store/file.h"

#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>

MT_EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
MT_EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit);
MT_EXPORT int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit,
                      struct rlimit *old);
MT_EXPORT int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limit,
                        struct rlimit64 *old);

static struct {
    int (*setrlimit)(__rlimit_resource_t, const struct rlimit *);
    int (*setrlimit64)(__rlimit_resource_t, const struct rlimit64 *);
    int (*prlimit)(pid_t, enum __rlimit_resource, const struct rlimit *, struct rlimit *);
    int (*prlimit64)(pid_t, enum __rlimit_resource, const struct rlimit64 *, struct rlimit64 *);
} limit_real; /* written by limit_start */

void limit_start(void)
{
    real_take(&limit_real.setrlimit, "setrlimit");
    real_take(&limit_real.setrlimit64, "setrlimit64");
    real_take(&limit_real.prlimit, "prlimit");
    real_take(&limit_real.prlimit64, "prlimit64");
}

/* Both struct rlimit and rlimit64 begin with the soft limit, in 64 bits. Not inlined: libc declares that
   the argument is not NULL, and the host may pass NULL all the same, for the kernel to refuse. */
_Static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64), "rlimit is in 64 bits");
static MT_NOINLINE void limit_make_way(int resource, pid_t pid, const void *limit)
{
    if (resource != RLIMIT_AS || limit == NULL || (pid != 0 && pid != sys_getpid()))
        return;
    uint64_t soft = ((const struct rlimit64 *)limit)->rlim_cur;
    if (soft != RLIM64_INFINITY && start_owns_report())
        file_trim(soft);
}

#define LIMIT_CALL(function, ...)                                                                  \
    (limit_real.function ? limit_real.function(__VA_ARGS__) : (errno = ENOSYS, -1))

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    limit_make_way((int)resource, 0, limit);
    return LIMIT_CALL(setrlimit, resource, limit);
}

int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
    limit_make_way((int)resource, 0, limit);
    return LIMIT_CALL(setrlimit64, resource, limit);
}

int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit,
            struct rlimit *old)
{
    limit_make_way((int)resource, pid, limit);
    return LIMIT_CALL(prlimit, pid, resource, limit, old);
}

int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limit,
              struct rlimit64 *old)
{
    limit_make_way((int)resource, pid, limit);
    return LIMIT_CALL(prlimit64, pid, resource, limit, old);
}
