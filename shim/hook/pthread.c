#include "hook/pthread.h"
#include "base/atomic.h"
#include "base/real.h"
#include "hook/hook.h"
#include "scan/freeze.h"
#include "start.h"
#include "store/file.h"
#include "track/thread.h"

#include <errno.h>
#include <pthread.h>
#include <threads.h>

MT_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                             void *(*function)(void *), void *argument);
MT_EXPORT int pthread_setname_np(pthread_t thread, const char *name);
MT_EXPORT int thrd_create(thrd_t *thread, thrd_start_t function, void *argument);

static struct {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*setname)(pthread_t, const char *);
    int (*thrd_create)(thrd_t *, thrd_start_t, void *);
} pthread_real; /* written by pthread_start */

void pthread_start(void)
{
    real_take(&pthread_real.create, "pthread_create");
    real_take(&pthread_real.setname, "pthread_setname_np");
    real_take(&pthread_real.thrd_create, "thrd_create");
}

/* A program may make a thread before anything that we see: then we come up here. */
#define PTHREAD_FIND(function)                                                                     \
    do {                                                                                           \
        if (MT_UNLIKELY(pthread_real.function == NULL))                                            \
            pthread_start();                                                                       \
    } while (0)

/* With the first thread glibc sets its own action for the signal that we share with it. */
static void pthread_count(void)
{
    if (!start_owns_report())
        return;
    if (add_relaxed(&file_header->mapped.threads_created, 1) == 0)
        freeze_install();
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    PTHREAD_FIND(create);
    if (pthread_real.create == NULL)
        return EAGAIN;
    int error = pthread_real.create(thread, attributes, function, argument);
    if (error == 0)
        pthread_count();
    return error;
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    PTHREAD_FIND(thrd_create);
    if (pthread_real.thrd_create == NULL)
        return thrd_error;
    int result = pthread_real.thrd_create(thread, function, argument);
    if (result == thrd_success)
        pthread_count();
    return result;
}

int pthread_setname_np(pthread_t thread, const char *name)
{
    PTHREAD_FIND(setname);
    if (pthread_real.setname == NULL)
        return ENOSYS;
    int error = pthread_real.setname(thread, name);
    struct self *self = error == 0 ? hook_enter() : NULL;
    if (self) {
        thread_note_name((uintptr_t)thread, name);
        hook_leave(self);
    }
    return error;
}
