#include "ledger_read.h"
#include "baseline.h"
#include "inputs.h"
#include "leaks/leak_known.h"
#include "leaks/leak_record.h"

#include <errno.h>
#include <stdio.h>

static int read_report(struct ledger *ledger, const char *path, const struct frame_source *source,
                       char *message, size_t message_size)
{
    struct snapshot *snapshot;
    unsigned kinds;
    int error = snapshot_load(path, &snapshot, message, message_size);
    if (error != 0)
        return error;
    struct frames *frames = frames_open(snapshot, source);
    leak_kinds_parse("all", &kinds);
    error = frames != NULL ? leak_known_apply(snapshot, frames) : -ENOMEM;
    if (error == 0)
        error = ledger_add(ledger, snapshot, frames, kinds, !ledger->leaks_only, ledger->processes);
    frames_close(frames);
    snapshot_free(snapshot);
    if (error != 0)
        snprintf(message, message_size, "%s: does not fit into memory", path);
    return error;
}

int ledger_read(struct ledger *ledger, const char *path, const struct frame_source *source,
                char *message, size_t message_size)
{
    struct inputs inputs = {0};
    int error = inputs_add(&inputs, path, message, message_size);
    for (size_t i = 0; i < inputs.count && error == 0; i++) {
        if (baseline_is_one(inputs.paths[i]))
            error = baseline_load(ledger, inputs.paths[i], message, message_size);
        else
            error = read_report(ledger, inputs.paths[i], source, message, message_size);
    }
    inputs_free(&inputs);
    return error;
}
