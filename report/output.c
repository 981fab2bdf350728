#include "output.h"
#include "command.h"
#include "memtrack/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int output_fail(const char *path, int error)
{
    errno = error;
    command_fail("%s: cannot write it: %m", path);
    return -error;
}

bool output_is_report(const char *path)
{
    char magic[sizeof MTF_MAGIC - 1];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return false;
    ssize_t length = read(descriptor, magic, sizeof magic);
    close(descriptor);
    return length == (ssize_t)sizeof magic && memcmp(magic, MTF_MAGIC, sizeof magic) == 0;
}

/* A file with the rights of a new one, not those of mkstemp. */
static int output_open_beside(struct output *output)
{
    mode_t mask = umask(0);
    umask(mask);
    if (asprintf(&output->beside, "%s.XXXXXX", output->path) < 0) {
        output->beside = NULL;
        return output_fail(output->path, ENOMEM);
    }
    int descriptor = mkostemp(output->beside, O_CLOEXEC);
    if (descriptor >= 0 && fchmod(descriptor, 0666 & ~mask) == 0)
        output->stream = fdopen(descriptor, "w");
    if (output->stream != NULL)
        return 0;
    int error = errno;
    if (descriptor >= 0) {
        close(descriptor);
        unlink(output->beside);
    }
    free(output->beside);
    output->beside = NULL;
    return output_fail(output->path, error);
}

int output_open(struct output *output, const char *path)
{
    struct stat status;
    *output = (struct output){.stream = stdout};
    if (path == NULL || strcmp(path, "-") == 0)
        return 0;
    output->path = path;
    output->stream = NULL;
    bool exists = stat(path, &status) == 0;
    if (exists && S_ISREG(status.st_mode) && output_is_report(path)) {
        command_fail("%s: is a report, and would be overwritten; give another name", path);
        return -EEXIST;
    }
    if (!exists || S_ISREG(status.st_mode))
        return output_open_beside(output);
    output->stream = fopen(path, "we");
    return output->stream != NULL ? 0 : output_fail(path, errno);
}

int output_close(struct output *output, bool good)
{
    int error = 0;
    if (output->path == NULL)
        return 0;
    if (fclose(output->stream) != 0)
        error = errno;
    if (output->beside != NULL && good && error == 0 && rename(output->beside, output->path) != 0)
        error = errno;
    if (output->beside != NULL && (!good || error != 0))
        unlink(output->beside);
    free(output->beside);
    output->beside = NULL;
    return error != 0 && good ? output_fail(output->path, error) : -error;
}
