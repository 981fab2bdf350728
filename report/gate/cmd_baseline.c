#include "baseline.h"
#include "command.h"
#include "ledger_read.h"
#include "progress.h"
#include "snapshot.h"
#include "symbol_source.h"
#include "symbolize.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int baseline_help(void)
{
    puts("usage: memtrack baseline [OPTION]... FILE|FOLDER...\n"
         "\n"
         "Writes what the reports leak and allocate, by call site, as a baseline: a JSON text to "
         "be\n"
         "kept beside the code. 'memtrack check --baseline' then fails on what is new or has "
         "grown;\n"
         "'memtrack diff' compares it with reports and other baselines. Baselines may be inputs, "
         "too:\n"
         "they are added.\n"
         "\n"
         "Call sites are kept as function names and modules, without addresses, files and lines. "
         "So\n"
         "two allocations in one function, reached in the same way, are one call site here.\n"
         "\n"
         "  -o, --output=BASELINE  where to write (default standard output)\n"
         "      --leaks            keep only what leaks: enough for check, and far smaller\n"
         "  -h, --help             print this\n"
         "\n"
         "Exit status: 0 written; 2 something could not be read or written.");
    return COMMAND_CLEAN;
}

/* Writes beside the old file first: who reads meanwhile never sees half of one. */
static int baseline_save(const struct ledger *ledger, const char *path)
{
    char *beside;
    if (asprintf(&beside, "%s.%d.new", path, (int)getpid()) < 0)
        return command_fail("out of memory");
    FILE *file = fopen(beside, "we");
    int error = file != NULL ? baseline_write(file, ledger) : -errno;
    if (file != NULL && fclose(file) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(beside, path) != 0)
        error = -errno;
    if (error != 0) {
        unlink(beside);
        command_fail("%s: cannot be written: %s", path, strerrordesc_np(-error));
    }
    free(beside);
    return error == 0 ? COMMAND_CLEAN : COMMAND_FAILED;
}

static int baseline_make(char **paths, int count, const char *output, bool leaks_only)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct ledger ledger = {.by = LEDGER_STABLE, .leaks_only = leaks_only};
    struct symbolizer *symbolizer = symbolizer_open_cached();
    const struct frame_source source = symbol_source(symbolizer);
    int result = symbolizer != NULL ? COMMAND_CLEAN : command_fail("out of memory");
    progress_start();
    for (int i = 0; i < count && result == COMMAND_CLEAN; i++) {
        if (ledger_read(&ledger, paths[i], &source, message, sizeof message) != 0)
            result = command_fail("%s", message);
    }
    progress_clear();
    for (size_t i = 0; i < ledger.note_count; i++)
        command_warn("%s", ledger.notes[i]);
    if (result == COMMAND_CLEAN && output != NULL)
        result = baseline_save(&ledger, output);
    else if (result == COMMAND_CLEAN && baseline_write(stdout, &ledger) == -ENOMEM)
        result = command_fail("out of memory");
    ledger_free(&ledger);
    symbolizer_close(symbolizer);
    return result;
}

int cmd_baseline(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"leaks", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *output = NULL;
    bool leaks_only = false;
    int option;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
        if (option == 'h')
            return baseline_help();
        if (option == 'l')
            leaks_only = true;
        else if (option == 'o')
            output = optarg;
        else
            return command_bad_option(argv, option);
    }
    if (optind == argc)
        return command_fail("give a report file, or a folder of them; see %s --help", argv[0]);
    return baseline_make(argv + optind, argc - optind, output, leaks_only);
}
