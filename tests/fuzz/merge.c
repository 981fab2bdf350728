/* A report file of any bytes, added to itself: what is written must be readable, with twice of everything. */
#include "merge/merge.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static struct snapshot *merged_twice(const struct snapshot *snapshot)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "", *file = NULL;
    struct snapshot *result = NULL;
    struct merge merge;
    size_t size = 0;
    FILE *out = open_memstream(&file, &size);
    merge_begin(&merge);
    int error = merge_add(&merge, snapshot, message, sizeof message);
    if (error == 0)
        error = merge_add(&merge, snapshot, message, sizeof message);
    check(error == 0 || message[0] != '\0');
    if (error == 0) {
        check(merge_end(&merge, "memtrack\0merge", 14, "/here") == 0);
        check(report_build_write(&merge.build, out) == 0);
    }
    fclose(out);
    merge_free(&merge);
    if (error == 0)
        check(snapshot_parse(file, size, &result, message, sizeof message) == 0);
    free(file);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    if (snapshot_parse(bytes, size, &snapshot, message, sizeof message) != 0)
        return 0;
    struct snapshot *sum = merged_twice(snapshot);
    if (sum != NULL) {
        check(sum->thread_count == 2 * snapshot->thread_count - 1);
        check(sum->node_count <= snapshot->node_count);
        /* Sums of hostile figures stop at the top, and start over in the file. */
        if (snapshot->totals.allocs < UINT64_MAX / 2 && snapshot->site_count < 1000)
            check(sum->totals.allocs == 2 * snapshot->totals.allocs || snapshot->sums_differ);
    }
    snapshot_free(sum);
    snapshot_free(snapshot);
    return 0;
}
