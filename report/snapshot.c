#include "snapshot.h"
#include "process_alive.h"
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int snapshot_fail(char *message, size_t size, int error, const char *path, const char *what)
{
    snprintf(message, size, "%s: %s", path, what);
    return error;
}

static int snapshot_fail_errno(char *message, size_t size, int error, const char *path)
{
    errno = error;
    snprintf(message, size, "%s: %m", path);
    return -error;
}

/* A descriptor of a regular file, or -errno and the message. O_NONBLOCK: a FIFO without a writer
   must not hold us up. */
static int snapshot_open(const char *path, char *message, size_t size)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return snapshot_fail_errno(message, size, errno, path);
    int error = fstat(descriptor, &status) != 0 ? errno : 0;
    if (error != 0)
        snapshot_fail_errno(message, size, error, path);
    else if (S_ISDIR(status.st_mode))
        error = -snapshot_fail(message, size, -EISDIR, path,
                               "is a folder; give one of the report files in it");
    else if (!S_ISREG(status.st_mode))
        error = -snapshot_fail(message, size, -EINVAL, path,
                               "is not a regular file; give a file that ends in " MTF_SUFFIX);
    if (error == 0)
        return descriptor;
    close(descriptor);
    return -error;
}

int snapshot_load(const char *path, struct snapshot **out, char *message, size_t message_size)
{
    char what[SNAPSHOT_MESSAGE_SIZE] = "";
    *out = NULL;
    int descriptor = snapshot_open(path, message, message_size);
    if (descriptor < 0)
        return descriptor;
    struct tables_source source = {.descriptor = descriptor};
    int error = reader_parse(&source, out, what, sizeof what);
    close(descriptor);
    if (error != 0)
        return snapshot_fail(message, message_size, error, path, what);
    free((*out)->path);
    (*out)->path = strdup(path);
    if ((*out)->path == NULL) {
        snapshot_free(*out);
        *out = NULL;
        return snapshot_fail_errno(message, message_size, ENOMEM, path);
    }
    if ((*out)->state == SNAPSHOT_KILLED && process_alive((*out)->pid, (*out)->pid_start))
        (*out)->state = SNAPSHOT_RUNNING;
    return 0;
}

int snapshot_parse(const void *bytes, size_t size, struct snapshot **out, char *message,
                   size_t message_size)
{
    struct tables_source source = {.bytes = bytes, .descriptor = -1, .size = size};
    int error = reader_parse(&source, out, message, message_size);
    if (error != 0)
        return error;
    (*out)->path = strdup("");
    if ((*out)->path != NULL)
        return 0;
    snapshot_free(*out);
    *out = NULL;
    return -ENOMEM;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    free(snapshot->path);
    free(snapshot->modules);
    free(snapshot->nodes);
    free(snapshot->sites);
    free(snapshot->threads);
    free(snapshot->blocks);
    free(snapshot->checks);
    free(snapshot->losses);
    free(snapshot->mappings);
    free(snapshot->regions);
    free(snapshot->points);
    free(snapshot->phases);
    free(snapshot->phase_sites);
    free(snapshot->sizes);
    free(snapshot->usages);
    free(snapshot->lifetimes);
    free(snapshot->names);
    free(snapshot);
}

uint64_t snapshot_lost(const struct snapshot *snapshot)
{
    uint64_t sum = 0;
    for (int reason = 0; reason < MTF_LOST_LIMIT; reason++)
        sum += snapshot->lost[reason];
    return sum;
}

const struct snapshot_check *snapshot_final_check(const struct snapshot *snapshot)
{
    for (uint32_t i = snapshot->check_count; i-- > 0;) {
        const struct snapshot_check *check = &snapshot->checks[i];
        if (check->trigger == MTF_CHECK_AT_EXIT ||
            (check->trigger != MTF_CHECK_SCOPE && snapshot->state != SNAPSHOT_ENDED))
            return check;
    }
    return NULL;
}

const struct snapshot_block *snapshot_blocks(const struct snapshot *snapshot, uint32_t site,
                                             size_t *count)
{
    size_t low = 0, high = snapshot->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->blocks[middle].site < site)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < snapshot->block_count && snapshot->blocks[end].site == site)
        end++;
    *count = end - low;
    return snapshot->blocks + low;
}

/* Of records that begin with their site. */
static int site_compare(const void *key, const void *record)
{
    uint32_t wanted = *(const uint32_t *)key, site;
    memcpy(&site, record, sizeof site);
    return (wanted > site) - (wanted < site);
}

const struct snapshot_usage *snapshot_usage(const struct snapshot *snapshot, uint32_t site)
{
    if (snapshot->usage_count == 0)
        return NULL;
    return bsearch(&site, snapshot->usages, snapshot->usage_count, sizeof snapshot->usages[0],
                   site_compare);
}

const struct snapshot_lifetime *snapshot_lifetime(const struct snapshot *snapshot, uint32_t site)
{
    if (snapshot->lifetime_count == 0)
        return NULL;
    return bsearch(&site, snapshot->lifetimes, snapshot->lifetime_count,
                   sizeof snapshot->lifetimes[0], site_compare);
}

uint64_t snapshot_size_top(uint32_t bucket)
{
    if (bucket < MTF_SIZES_EXACT)
        return bucket;
    uint32_t step = bucket - MTF_SIZES_EXACT;
    uint64_t top;
    return __builtin_mul_overflow(UINT64_C(256) << (step / 4), 5 + step % 4, &top) ? UINT64_MAX
                                                                                   : top;
}
