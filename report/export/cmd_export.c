#include "command.h"
#include "export.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "symbol_pool.h"
#include "usage/phase_cut.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

struct export_format {
    const char *name;
    export_write *write; /* NULL: SQLite, which writes to a file by itself */
    bool lines;          /* tells lines of a function apart */
    bool binary;
};

static const struct export_format formats[] = {
    {"folded", export_folded, false, false},
    {"pprof", export_pprof, false, true},
    {"speedscope", export_speedscope, true, false},
    {"callgrind", export_callgrind, true, false},
    {"massif", export_massif, true, false},
    {"heaptrack", export_heaptrack, true, false},
    {"sqlite", NULL, true, true},
};

struct export_command {
    const struct export_format *format;
    enum figures_key key;
    enum mtf_domain domain;
    bool fold;
    const char *phase; /* NULL: all of the run */
    const char *output;
    struct symbol_pool *symbols;
};

enum export_option {
    OPTION_FORMAT = 256,
    OPTION_VALUE,
    OPTION_DOMAIN,
    OPTION_FOLD,
    OPTION_PHASE,
};

static const struct option export_options[] = {
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"value", required_argument, NULL, OPTION_VALUE},
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"fold", no_argument, NULL, OPTION_FOLD},
    {"phase", required_argument, NULL, OPTION_PHASE},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int export_help(void)
{
    puts(
        "usage: memtrack export --format FORMAT [OPTION]... FILE\n"
        "\n"
        "Writes a report in another tool's format, with its call stacks, inlined frames, files\n"
        "and lines.\n"
        "\n"
        "  --format FORMAT  folded      flamegraph.pl and its kin: one value (--value)\n"
        "                   pprof       go tool pprof, Pyroscope, Parca: all values\n"
        "                   speedscope  speedscope: all values\n"
        "                   callgrind   callgrind_annotate, kcachegrind: all values\n"
        "                   massif      ms_print, massif-visualizer: the peak and the end\n"
        "                   heaptrack   heaptrack_print, heaptrack_gui: totals, peak and leaks of\n"
        "                               all call sites; not its charts over time\n"
        "                   sqlite      a database (-o) that any number of FILEs are added to\n"
        "  --value VALUE    live (default), peak, total, calls or temporary: the only one, or\n"
        "                   the one that is shown first\n"
        "  --domain DOMAIN  heap (default), mappings or pools; sqlite has them all\n"
        "  --fold           leave out frames that hide the cause: the allocator's own and the\n"
        "                   insides of standard libraries (not pprof, sqlite)\n"
        "  --phase NAME     cut all figures to the phase of this name (or #N)\n"
        "  -o, --output OUT write to this file (default: standard output)\n"
        "  --help           print this\n"
        "\n"
        "Exit status: 0 written, 2 something could not be read or written.");
    return COMMAND_CLEAN;
}

static int set_format(struct export_command *command, const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(name, formats[i].name) == 0) {
            command->format = &formats[i];
            return 0;
        }
    }
    return command_fail("--format=%s: must be folded, pprof, speedscope, callgrind, massif, "
                        "heaptrack or sqlite",
                        name);
}

static int set_domain(struct export_command *command, const char *name)
{
    static const char *const names[MTF_DOMAIN_LIMIT] = {"heap", "mappings", "pools"};
    for (int i = 0; i < MTF_DOMAIN_LIMIT; i++) {
        if (strcmp(name, names[i]) == 0) {
            command->domain = (enum mtf_domain)i;
            return 0;
        }
    }
    return command_fail("--domain=%s: must be heap, mappings or pools", name);
}

static int set_option(struct export_command *command, char **argv, int option)
{
    switch (option) {
    case OPTION_FORMAT:
        return set_format(command, optarg);
    case OPTION_VALUE:
        if (figures_key_parse(optarg, &command->key))
            return 0;
        return command_fail("--value=%s: must be live, peak, total, calls or temporary", optarg);
    case OPTION_DOMAIN:
        return set_domain(command, optarg);
    case OPTION_FOLD:
        command->fold = true;
        return 0;
    case OPTION_PHASE:
        command->phase = optarg;
        return 0;
    case 'o':
        command->output = optarg;
        return 0;
    default:
        return command_bad_option(argv, option);
    }
}

/* Says why a result that was asked for is empty, and what to ask for. */
static void export_mention_empty(const struct export_command *command, const struct export *export)
{
    uint64_t sum = 0;
    if (command->format->write != export_folded)
        return;
    for (uint32_t site = 0; site < export->snapshot->site_count; site++)
        sum += export_has(export, site) &&
               figures_value(&export->snapshot->sites[site].figures, export->key) > 0;
    if (sum == 0)
        command_warn("%s: no call site has anything of '%s'; try another --value",
                     export->snapshot->path, figures_key_name(export->key));
}

static int export_database(const struct export_command *command, struct export *export)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    if (output_is_report(command->output)) {
        command_fail("%s: is a report, and would be overwritten; give another name",
                     command->output);
        return -EEXIST;
    }
    int error = export_sqlite(export, command->output, message, sizeof message);
    if (error == -ENOMEM)
        return error;
    if (error != 0)
        command_fail("%s: %s", command->output, message);
    return error;
}

static int export_stream(const struct export_command *command, struct export *export)
{
    struct output output;
    int error = output_open(&output, command->output);
    if (error != 0)
        return error;
    export->out = output.stream;
    error = command->format->write(export);
    int closed = output_close(&output, error == 0);
    if (error == -E2BIG)
        command_fail("%s: has too many allocations for a format with a line for each; take another "
                     "--format",
                     export->snapshot->path);
    if (error == -EIO && command->output != NULL)
        command_fail("%s: cannot write all of it (disk full?)", command->output);
    return error != 0 ? error : closed;
}

static int export_snapshot(const struct export_command *command, const struct snapshot *snapshot)
{
    const struct frame_source source = symbol_pool_source(command->symbols);
    struct export export = {.snapshot = snapshot, .key = command->key, .domain = command->domain};
    export.stacks.snapshot = snapshot;
    export.stacks.fold = command->fold && command->format->write != NULL;
    export.stacks.frames = frames_open(snapshot, &source);
    export.stacks.functions = functions_open(command->format->lines);
    int error = -ENOMEM;
    if (export.stacks.frames != NULL)
        frames_prepare(export.stacks.frames);
    if (export.stacks.frames != NULL && export.stacks.functions != NULL)
        error = command->format->write != NULL ? export_stream(command, &export)
                                               : export_database(command, &export);
    progress_clear();
    if (error == 0)
        export_mention_empty(command, &export);
    stacks_free(&export.stacks);
    functions_close(export.stacks.functions);
    frames_close(export.stacks.frames);
    return error;
}

static int export_file(const struct export_command *command, const char *path)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    if (snapshot_load(path, &snapshot, message, sizeof message) != 0)
        return command_fail("%s", message);
    int error = 0;
    if (command->phase != NULL)
        error = phase_cut(snapshot, command->phase, message, sizeof message);
    if (error != 0)
        command_fail("%s", message);
    else
        error = export_snapshot(command, snapshot);
    snapshot_free(snapshot);
    if (error == -ENOMEM && command->phase == NULL)
        command_fail("%s: out of memory; export it on a larger machine", path);
    return error != 0 ? COMMAND_FAILED : COMMAND_CLEAN;
}

static int export_files(struct export_command *command, const struct inputs *inputs)
{
    int result = COMMAND_CLEAN;
    command->symbols = symbol_pool_open();
    if (command->symbols == NULL)
        return command_fail("out of memory; export the report on a larger machine");
    progress_start();
    for (size_t i = 0; i < inputs->count; i++) {
        int one = export_file(command, inputs->paths[i]);
        result = one > result ? one : result;
    }
    symbol_pool_close(command->symbols);
    return result;
}

/* What does not go together. */
static int export_check(const struct export_command *command, const struct inputs *inputs,
                        char **argv)
{
    bool named = command->output != NULL && strcmp(command->output, "-") != 0;
    if (command->format == NULL)
        return command_fail("give a --format; see %s --help", argv[0]);
    if (command->format->write == NULL && !named)
        return command_fail("--format=sqlite: give the database's name with -o");
    if (command->format->binary && !named && isatty(STDOUT_FILENO))
        return command_fail("--format=%s: is not for a terminal; give a name with -o",
                            command->format->name);
    if (command->format->write == export_heaptrack && command->phase != NULL)
        return command_fail(
            "--phase: heaptrack's format has whole runs alone; take another --format");
    if (command->format->write != NULL && inputs->count > 1)
        return command_fail("--format=%s: takes one report, not %zu; only sqlite takes more",
                            command->format->name, inputs->count);
    return 0;
}

static int export_inputs(struct inputs *inputs, char **paths, int count)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    for (int i = 0; i < count; i++) {
        if (inputs_add(inputs, paths[i], message, sizeof message) != 0)
            return command_fail("%s", message);
    }
    return 0;
}

int cmd_export(int argc, char **argv)
{
    struct export_command command = {.key = FIGURES_LIVE};
    struct inputs inputs = {0};
    int option, result;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":ho:", export_options, NULL)) != -1) {
        if (option == 'h')
            return export_help();
        result = set_option(&command, argv, option);
        if (result != 0)
            return result;
    }
    if (optind == argc)
        return command_fail("give a report file; see %s --help", argv[0]);
    result = export_inputs(&inputs, argv + optind, argc - optind);
    if (result == 0)
        result = export_check(&command, &inputs, argv);
    if (result == 0)
        result = export_files(&command, &inputs);
    inputs_free(&inputs);
    return result;
}
