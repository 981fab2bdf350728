#include "command.h"
#include "inputs.h"
#include "leaks/leak_known.h"
#include "merge.h"
#include "progress.h"
#include "symbol_source.h"
#include "symbolize.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Inputs named in the result; those of more are counted. */
#define MERGE_NAMED 20

static int merge_help(void)
{
    puts(
        "usage: memtrack merge -o REPORT FILE|FOLDER...\n"
        "\n"
        "Adds the reports of many processes or runs to one, which all other commands read like "
        "any\n"
        "report: equal call sites become one, with the sums of what they have. The peak is the "
        "sum\n"
        "of the peaks, which is what processes had that ran side by side; how far off that may be\n"
        "stands beside it. Left out is what has a meaning for one process alone: timeline, "
        "phases,\n"
        "mappings by address. Limits for each process (memtrack check --max-peak) are judged on "
        "the\n"
        "reports themselves.\n"
        "\n"
        "  -o, --output REPORT   where to write; a file that is there is not overwritten\n"
        "  -h, --help            print this\n"
        "\n"
        "Exit status: 0 written; 2 something could not be read or written.");
    return COMMAND_CLEAN;
}

/* What one program says of its own leaks does not hold for the others: it is applied before they meet. */
static int apply_known(struct snapshot *snapshot)
{
    if (snapshot->suppressions.length == 0)
        return 0;
    struct symbolizer *symbolizer = symbolizer_open_cached();
    const struct frame_source source = symbol_source(symbolizer);
    struct frames *frames = symbolizer != NULL ? frames_open(snapshot, &source) : NULL;
    int error = frames != NULL ? leak_known_apply(snapshot, frames) : -ENOMEM;
    frames_close(frames);
    symbolizer_close(symbolizer);
    return error;
}

static int merge_read(struct merge *merge, const struct inputs *inputs)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    for (size_t i = 0; i < inputs->count; i++) {
        struct snapshot *snapshot;
        progress_step("merging reports", i);
        int error = snapshot_load(inputs->paths[i], &snapshot, message, sizeof message);
        if (error == 0 && apply_known(snapshot) != 0) {
            snapshot_free(snapshot);
            return command_fail("out of memory; merge fewer reports at a time");
        }
        if (error == 0) {
            error = merge_add(merge, snapshot, message, sizeof message);
            snapshot_free(snapshot);
        }
        if (error != 0) {
            progress_clear();
            return command_fail("%s", message);
        }
    }
    progress_clear();
    return COMMAND_CLEAN;
}

/* The command as the result names it. */
static int merge_name(struct merge *merge, char **paths, int count)
{
    char folder[PATH_MAX] = "", *arguments = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&arguments, &length);
    int error = out != NULL ? 0 : -ENOMEM;
    if (out != NULL) {
        fprintf(out, "memtrack%cmerge", 0);
        for (int i = 0; i < count && i < MERGE_NAMED; i++)
            fprintf(out, "%c%s", 0, paths[i]);
        if (count > MERGE_NAMED)
            fprintf(out, "%cand %d more", 0, count - MERGE_NAMED);
        error = fclose(out) == 0 ? 0 : -ENOMEM;
    }
    if (getcwd(folder, sizeof folder) == NULL)
        folder[0] = '\0';
    if (error == 0)
        error = merge_end(merge, arguments, length, folder);
    free(arguments);
    return error == 0 ? COMMAND_CLEAN
                      : command_fail("out of memory; merge fewer reports at a time");
}

/* Never over a file that is there: it may be one of the inputs, or a merge that an input was. */
static int merge_save(struct merge *merge, const char *path)
{
    FILE *file = fopen(path, "wxe");
    if (file == NULL && errno == EEXIST)
        return command_fail("%s: exists already; remove it or give another name", path);
    if (file == NULL)
        return command_fail("%s: %s", path, strerrordesc_np(errno));
    int error = report_build_write(&merge->build, file);
    if (fclose(file) != 0 && error == 0)
        error = -errno;
    if (error == 0)
        return COMMAND_CLEAN;
    unlink(path);
    return command_fail("%s: cannot be written: %s", path, strerrordesc_np(-error));
}

static int merge_make(char **paths, int count, const char *output)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct inputs inputs = {0};
    struct merge merge;
    int result = COMMAND_CLEAN;
    for (int i = 0; i < count && result == COMMAND_CLEAN; i++) {
        if (inputs_add(&inputs, paths[i], message, sizeof message) != 0)
            result = command_fail("%s", message);
    }
    merge_begin(&merge);
    progress_start();
    if (result == COMMAND_CLEAN)
        result = merge_read(&merge, &inputs);
    if (result == COMMAND_CLEAN)
        result = merge_name(&merge, paths, count);
    if (result == COMMAND_CLEAN)
        result = merge_save(&merge, output);
    merge_free(&merge);
    inputs_free(&inputs);
    return result;
}

int cmd_merge(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *output = NULL;
    int option;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
        if (option == 'h')
            return merge_help();
        if (option != 'o')
            return command_bad_option(argv, option);
        output = optarg;
    }
    if (output == NULL)
        return command_fail("give -o REPORT, where to write the result; see %s --help", argv[0]);
    if (optind == argc)
        return command_fail("give a report file, or a folder of them; see %s --help", argv[0]);
    return merge_make(argv + optind, argc - optind, output);
}
