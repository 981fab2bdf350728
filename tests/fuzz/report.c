/* A report file of any bytes: refused with one line, or read and printed in every form. */
#include "fake_names.h"
#include "out_json.h"
#include "out_text.h"
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static FILE *sink;

static void check(bool good)
{
    if (!good)
        abort();
}

/* The promises of snapshot.h that need no knowledge of the file. */
static void check_model(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->module_count; i++)
        check(strlen(snapshot->modules[i].path) < SIZE_MAX);
    for (uint32_t i = 0; i < snapshot->node_count; i++)
        check(snapshot->nodes[i].module < snapshot->module_count &&
              (i == 0 || snapshot->nodes[i].parent < i));
    for (uint32_t i = 0; i < snapshot->site_count; i++)
        check(snapshot->sites[i].node < snapshot->node_count);
    for (size_t i = 0; i < snapshot->block_count; i++)
        check(snapshot->blocks[i].site < snapshot->site_count &&
              snapshot->blocks[i].thread < snapshot->thread_count);
}

static void print(const struct snapshot *snapshot, uint8_t choice)
{
    const struct out_text_options text = {
        .by = (enum aggregate_by)(choice % AGGREGATE_BY_LIMIT),
        .sort = FIGURES_KEY_LIMIT,
        .top = 5,
        .full = (choice & 0x40) != 0,
        .color = (choice & 0x80) != 0,
    };
    const struct out_json_options json = {.by = text.by, .sort = FIGURES_LIVE, .top = 20};
    struct frames *frames = frames_open(snapshot, &fake_names);
    check(frames != NULL);
    check(out_text(sink, snapshot, frames, &text) == 0);
    frames_close(frames);
    frames = frames_open(snapshot, &fake_names);
    check(frames != NULL);
    check(out_json_report(sink, snapshot, frames, &json, true) == 0);
    frames_close(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char message[SNAPSHOT_MESSAGE_SIZE] = "";
    struct snapshot *snapshot;
    if (sink == NULL)
        sink = fopen("/dev/null", "w");
    int error = snapshot_parse(bytes, size, &snapshot, message, sizeof message);
    if (error != 0) {
        check(snapshot == NULL && message[0] != '\0' && strchr(message, '\n') == NULL);
        return 0;
    }
    check_model(snapshot);
    print(snapshot, size > 1100 ? bytes[1100] : 0);
    snapshot_free(snapshot);
    return 0;
}
