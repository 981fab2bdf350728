/* A report file of any bytes: refused with one line, or read and printed in every form. */
#include "export/export.h"
#include "fake_names.h"
#include "out_json.h"
#include "out_text.h"
#include "snapshot.h"
#include "tree_text.h"
#include "usage/phase_cut.h"

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
    for (uint32_t i = 0; i < snapshot->phase_site_count; i++)
        check(snapshot->phase_sites[i].phase < snapshot->phase_count &&
              snapshot->phase_sites[i].site < snapshot->site_count);
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
        .trees = (choice & 0x30) == 0x30 ? TREE_TEXT_DOWN | TREE_TEXT_UP : 0,
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

/* A format with a line for each event would take too long for hostile counts. */
static bool has_few_events(const struct snapshot *snapshot)
{
    uint64_t events = 0;
    for (uint32_t i = 0; i < snapshot->site_count; i++) {
        if (snapshot->sites[i].figures.allocs > 1000)
            return false;
        events += snapshot->sites[i].figures.allocs;
    }
    return events < 20000;
}

static void export_as(const struct snapshot *snapshot, export_write *write)
{
    struct export export = {.snapshot = snapshot, .key = FIGURES_PEAK, .out = sink};
    export.stacks.snapshot = snapshot;
    export.stacks.frames = frames_open(snapshot, &fake_names);
    export.stacks.functions = functions_open(true);
    check(export.stacks.frames != NULL && export.stacks.functions != NULL);
    check(write(&export) == 0);
    stacks_free(&export.stacks);
    functions_close(export.stacks.functions);
    frames_close(export.stacks.frames);
}

static void export_all(const struct snapshot *snapshot)
{
    static export_write *const writes[] = {export_folded, export_callgrind, export_massif,
                                           export_speedscope};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        export_as(snapshot, writes[i]);
    if (has_few_events(snapshot))
        export_as(snapshot, export_heaptrack);
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
    export_all(snapshot);
    if (phase_cut(snapshot, "#1", message, sizeof message) == 0)
        print(snapshot, size > 1101 ? bytes[1101] : 0);
    snapshot_free(snapshot);
    return 0;
}
