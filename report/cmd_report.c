#include "amount.h"
#include "command.h"
#include "frames.h"
#include "inputs.h"
#include "leaks/leak_known.h"
#include "leaks/leak_record.h"
#include "out_json.h"
#include "out_text.h"
#include "progress.h"
#include "snapshot.h"
#include "symbol_pool.h"
#include "tree_text.h"
#include "usage/phase_cut.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_TOP 10

struct report {
    struct inputs inputs;
    struct out_text_options text;
    bool sort_given;
    bool top_given;
    bool json;
    const char *color;
    const char *phase; /* NULL: all of the run */
    struct symbol_pool *symbols;
    struct figures totals; /* of all printed reports */
    size_t printed;
    size_t with_live;
    bool failed;
};

enum report_option {
    OPTION_TOP = 256,
    OPTION_SORT,
    OPTION_BY,
    OPTION_JSON,
    OPTION_FULL,
    OPTION_COLOR,
    OPTION_LEAKS,
    OPTION_KINDS,
    OPTION_SECTION,
    OPTION_TREE,
    OPTION_PHASE,
};

static const struct option report_options[] = {
    {"top", required_argument, NULL, OPTION_TOP},
    {"sort", required_argument, NULL, OPTION_SORT},
    {"by", required_argument, NULL, OPTION_BY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"full", no_argument, NULL, OPTION_FULL},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"leaks", no_argument, NULL, OPTION_LEAKS},
    {"show-leak-kinds", required_argument, NULL, OPTION_KINDS},
    {"section", required_argument, NULL, OPTION_SECTION},
    {"tree", optional_argument, NULL, OPTION_TREE},
    {"phase", required_argument, NULL, OPTION_PHASE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int report_help(void)
{
    puts(
        "usage: memtrack report [OPTION]... FILE|FOLDER...\n"
        "\n"
        "Explains report files: what is still allocated, the peak, the totals, and the call\n"
        "sites behind them. A FOLDER stands for all files in it that end in .memtrack.\n"
        "\n"
        "  --top N         rows of each section, 0 for all (default 10; with --json all)\n"
        "  --sort KEY      only the section of live, peak, total, calls or temporary;\n"
        "                  with --json the order of call sites (default live)\n"
        "  --leaks         only the section of leaks\n"
        "  --show-leak-kinds KINDS\n"
        "                  which loss records to list: definite, indirect, possible, reachable,\n"
        "                  with commas, or all (default: what show_kinds= of\n"
        "                  MEMTRACK_OPTIONS said to the process, or definite,possible)\n"
        "  --section NAMES only these, with commas: the keys of --sort, leaks, phases, timeline,\n"
        "                  sizes, lifetimes, slack, moved, elsewhere, alignment, mappings, memory\n"
        "                  and threads\n"
        "  --tree[=WAY]    call trees instead: down (callers first), up (what allocates first) or\n"
        "                  both (default), of the KEY of --sort\n"
        "  --phase NAME    cut all figures to the phase of this name (or #N, as the section of\n"
        "                  phases numbers them)\n"
        "  --by WHAT       rows are each a site (default), function or module\n"
        "  --full          fold no library frames, leave nothing out of stacks\n"
        "  --json          everything, for programs\n"
        "  --color WHEN    auto (default), always or never\n"
        "  --help          print this\n"
        "\n"
        "Exit status: 0 printed, leaks or not; 2 something could not be read or printed.");
    return COMMAND_CLEAN;
}

static int report_set_top(struct report *report, const char *argument)
{
    char *end;
    errno = 0;
    unsigned long top = strtoul(argument, &end, 10);
    if (errno != 0 || end == argument || *end != '\0' || *argument == '-' || *argument == '+')
        return command_fail("--top=%s: must be a number, 0 for all rows", argument);
    report->text.top = top;
    report->top_given = true;
    return 0;
}

static int report_set_sort(struct report *report, const char *argument)
{
    report->sort_given = true;
    if (figures_key_parse(argument, &report->text.sort))
        return 0;
    return command_fail("--sort=%s: must be live, peak, total, calls or temporary", argument);
}

static int report_set_by(struct report *report, const char *argument)
{
    if (aggregate_by_parse(argument, &report->text.by))
        return 0;
    return command_fail("--by=%s: must be site, function or module", argument);
}

static int report_set_kinds(struct report *report, const char *argument)
{
    if (leak_kinds_parse(argument, &report->text.kinds))
        return 0;
    return command_fail("--show-leak-kinds=%s: must be some of definite, indirect, possible and "
                        "reachable with commas between, all, or none",
                        argument);
}

static int report_set_section(struct report *report, const char *argument)
{
    if (section_parse(argument, &report->text.sections))
        return 0;
    return command_fail("--section=%s: must be some of live, peak, total, calls, temporary, leaks, "
                        "phases, timeline, sizes, lifetimes, slack, moved, elsewhere, alignment, "
                        "mappings, memory and threads with commas between",
                        argument);
}

static int report_set_tree(struct report *report, const char *argument)
{
    if (argument == NULL || strcmp(argument, "both") == 0)
        report->text.trees = TREE_TEXT_DOWN | TREE_TEXT_UP;
    else if (strcmp(argument, "down") == 0)
        report->text.trees = TREE_TEXT_DOWN;
    else if (strcmp(argument, "up") == 0)
        report->text.trees = TREE_TEXT_UP;
    else
        return command_fail("--tree=%s: must be down, up or both", argument);
    return 0;
}

static int report_set_view(struct report *report, int option)
{
    switch (option) {
    case OPTION_SECTION:
        return report_set_section(report, optarg);
    case OPTION_TREE:
        return report_set_tree(report, optarg);
    default:
        report->phase = optarg;
        return 0;
    }
}

static int report_set(struct report *report, char **argv, int option)
{
    switch (option) {
    case OPTION_TOP:
        return report_set_top(report, optarg);
    case OPTION_SORT:
        return report_set_sort(report, optarg);
    case OPTION_BY:
        return report_set_by(report, optarg);
    case OPTION_JSON:
        report->json = true;
        return 0;
    case OPTION_FULL:
        report->text.full = true;
        return 0;
    case OPTION_COLOR:
        report->color = optarg;
        return 0;
    case OPTION_LEAKS:
        report->text.leaks = true;
        return 0;
    case OPTION_KINDS:
        return report_set_kinds(report, optarg);
    case OPTION_SECTION:
    case OPTION_TREE:
    case OPTION_PHASE:
        return report_set_view(report, option);
    default:
        return command_bad_option(argv, option);
    }
}

/* Names an input that cannot be used; the others are still printed. */
static void report_refuse(struct report *report, const char *message)
{
    progress_clear();
    command_warn("%s", message);
    report->failed = true;
}

static void report_add_inputs(struct report *report, char **paths, int count)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    for (int i = 0; i < count; i++) {
        if (inputs_add(&report->inputs, paths[i], message, sizeof message) != 0)
            report_refuse(report, message);
    }
}

static int report_out(struct report *report, const struct snapshot *snapshot, struct frames *frames)
{
    if (report->json) {
        const struct out_json_options options = {
            .by = report->text.by,
            .sort = report->sort_given ? report->text.sort : FIGURES_LIVE,
            .top = report->top_given ? report->text.top : 0,
        };
        return out_json_report(stdout, snapshot, frames, &options, report->printed == 0);
    }
    if (report->inputs.count > 1)
        printf("%s== %s ==\n", report->printed > 0 ? "\n" : "", snapshot->path);
    return out_text(stdout, snapshot, frames, &report->text);
}

/* Will (nearly) all call sites' stacks be looked at? */
static bool report_names_all(const struct report *report)
{
    bool all_rows = report->text.top == 0;
    return report->json || report->text.trees != 0 || report->text.by != AGGREGATE_SITE || all_rows;
}

static int report_print(struct report *report, struct snapshot *snapshot)
{
    const struct frame_source source = symbol_pool_source(report->symbols);
    struct frames *frames = frames_open(snapshot, &source);
    if (frames != NULL && report_names_all(report))
        frames_prepare(frames);
    int error = frames != NULL ? leak_known_apply(snapshot, frames) : -ENOMEM;
    if (error == 0)
        error = report_out(report, snapshot, frames);
    frames_close(frames);
    figures_add(&report->totals, &snapshot->totals);
    report->with_live += snapshot->totals.live_blocks > 0;
    report->printed++;
    return error;
}

/* A failure here is one of ours or of stdout, and ends the command. */
static int report_input(struct report *report, const char *path)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    if (snapshot_load(path, &snapshot, message, sizeof message) != 0) {
        report_refuse(report, message);
        return 0;
    }
    if (report->phase != NULL && phase_cut(snapshot, report->phase, message, sizeof message) != 0) {
        report_refuse(report, message);
        snapshot_free(snapshot);
        return 0;
    }
    int error = report_print(report, snapshot);
    snapshot_free(snapshot);
    progress_clear();
    return error;
}

static void report_combined(const struct report *report)
{
    const struct figures *totals = &report->totals;
    if (report->printed < 2)
        return;
    printf("\nAll %s reports: ", amount_count(report->printed).text);
    if (totals->live_blocks > 0)
        printf("%s in %s still allocated, in %s of them", amount_bytes(totals->live_bytes).text,
               amount_noun(totals->live_blocks, "block").text,
               amount_count(report->with_live).text);
    else
        printf("nothing is still allocated");
    printf("; %s allocated in %s\n", amount_bytes(totals->alloc_bytes).text,
           amount_noun(totals->allocs, "call").text);
}

static int report_all(struct report *report)
{
    int error = report->json ? out_json_begin(stdout) : 0;
    for (size_t i = 0; i < report->inputs.count && error == 0; i++)
        error = report_input(report, report->inputs.paths[i]);
    if (error == 0 && report->json)
        error = out_json_end(stdout);
    else if (error == 0)
        report_combined(report);
    if (error == 0 && fflush(stdout) != 0)
        error = -errno;
    return error;
}

static int report_run(struct report *report)
{
    if (!command_color(stdout, report->color, &report->text.color))
        return COMMAND_FAILED;
    report->symbols = symbol_pool_open();
    if (report->symbols == NULL)
        return command_fail("out of memory; read the report on a larger machine");
    progress_start();
    int error = report_all(report);
    symbol_pool_close(report->symbols);
    if (error == -ENOMEM)
        return command_fail("out of memory; read the report on a larger machine");
    /* What stdout did not take is said by main. */
    return error != 0 || report->failed ? COMMAND_FAILED : COMMAND_CLEAN;
}

int cmd_report(int argc, char **argv)
{
    struct report report = {
        .text = {.sort = FIGURES_KEY_LIMIT, .top = REPORT_TOP, .kinds = OUT_TEXT_KINDS_ASKED}};
    int option, result;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":h", report_options, NULL)) != -1) {
        if (option == 'h')
            return report_help();
        result = report_set(&report, argv, option);
        if (result != 0)
            return result;
    }
    if (optind == argc)
        return command_fail("give a report file, or a folder of them; see %s --help", argv[0]);
    if (report.json && (report.text.trees != 0 || report.text.sections != 0))
        return command_fail("--%s: is of the text report; --json prints everything",
                            report.text.trees != 0 ? "tree" : "section");
    report.text.brief = !report.top_given;
    report_add_inputs(&report, argv + optind, argc - optind);
    if (report.inputs.count == 0)
        return COMMAND_FAILED;
    result = report_run(&report);
    inputs_free(&report.inputs);
    return result;
}
