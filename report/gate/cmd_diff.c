#include "command.h"
#include "compare.h"
#include "leaks/leak_record.h"
#include "ledger_read.h"
#include "limits.h"
#include "out_gate.h"
#include "progress.h"
#include "symbol_source.h"
#include "symbolize.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct diff {
    enum compare_by by; /* COMPARE_LIMIT: all of them */
    unsigned kinds;
    uint64_t threshold;
    size_t top; /* 0: all */
    enum gate_format format;
    const char *output;
    char root[PATH_MAX];
    const char *color;
    struct out_gate_options options;
    struct ledger ledgers[2];
};

enum {
    DIFF_BY = 256,
    DIFF_KINDS,
    DIFF_THRESHOLD,
    DIFF_TOP,
    DIFF_FORMAT,
    DIFF_ROOT,
    DIFF_COLOR,
    DIFF_FULL,
};

static int diff_help(void)
{
    puts("usage: memtrack diff [OPTION]... BEFORE AFTER\n"
         "\n"
         "Shows which call sites are new, gone, have grown or shrunk from BEFORE to AFTER: each a\n"
         "report file, a folder of them, or a baseline. Call sites are the same if they have the\n"
         "same functions and modules, wherever they lie; see memtrack-baseline(1).\n"
         "\n"
         "  --by MEASURE      leaks, peak, total or calls (default all of them)\n"
         "  --kinds KINDS     which leaks are compared (default definite,possible)\n"
         "  --threshold N     leave out differences of fewer bytes (or calls)\n"
         "  --top N           the largest differences of each measure, 0 for all (default 10)\n"
         "  --format FORMAT   text (default), json, junit, sarif, github, gitlab or markdown\n"
         "  -o, --output FILE where to write it (default standard output)\n"
         "  --source-root FOLDER\n"
         "                    name source files from here (default the current folder)\n"
         "  --full            leave nothing out of stacks\n"
         "  --color WHEN      auto (default), always or never\n"
         "  --help            print this\n"
         "\n"
         "Exit status: 0 nothing is new or has grown; 1 something has; 2 an input could not be "
         "read.");
    return COMMAND_CLEAN;
}

static int diff_number(const char *name, const char *value, enum limit like, uint64_t *number)
{
    struct limits limits;
    const char *wrong = limit_set(&limits, like, value);
    if (wrong != NULL)
        return command_fail("--%s=%s: %s", name, value, wrong);
    *number = limits.values[like];
    return 0;
}

static int diff_set_top(struct diff *diff, const char *value)
{
    uint64_t top = 0;
    int result = diff_number("top", value, LIMIT_ALLOCS, &top);
    diff->top = (size_t)top;
    return result;
}

static int diff_option(struct diff *diff, char **argv, int option)
{
    switch (option) {
    case DIFF_BY:
        return compare_parse(optarg, &diff->by)
                   ? 0
                   : command_fail("--by=%s: must be leaks, peak, total or calls", optarg);
    case DIFF_KINDS:
        return leak_kinds_parse(optarg, &diff->kinds)
                   ? 0
                   : command_fail("--kinds=%s: must be some of definite, indirect, possible and "
                                  "reachable with commas between, or all",
                                  optarg);
    case DIFF_THRESHOLD:
        return diff_number("threshold", optarg, LIMIT_LOST, &diff->threshold);
    case DIFF_TOP:
        return diff_set_top(diff, optarg);
    case DIFF_FORMAT:
        return gate_format_parse(optarg, &diff->format)
                   ? 0
                   : command_fail("--format=%s: must be text, json, junit, sarif, github, gitlab "
                                  "or markdown",
                                  optarg);
    case DIFF_ROOT:
        return realpath(optarg, diff->root) != NULL
                   ? 0
                   : command_fail("--source-root=%s: no such folder", optarg);
    case DIFF_FULL:
        diff->options.full = true;
        return 0;
    case DIFF_COLOR:
        diff->color = optarg;
        return 0;
    case 'o':
        diff->output = optarg;
        return 0;
    default:
        return command_bad_option(argv, option);
    }
}

static int diff_read(struct diff *diff, char **paths, const struct frame_source *source)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    for (int i = 0; i < 2; i++) {
        diff->ledgers[i].by = LEDGER_STABLE;
        if (ledger_read(&diff->ledgers[i], paths[i], source, message, sizeof message) != 0) {
            progress_clear();
            return command_fail("%s", message);
        }
    }
    progress_clear();
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < diff->ledgers[i].note_count; j++)
            command_warn("%s", diff->ledgers[i].notes[j]);
    }
    return 0;
}

/* Keeps the first `top` findings, the largest: they are sorted. */
static void verdict_cut(struct verdict *verdict, size_t from, size_t top)
{
    while (top > 0 && verdict->count > from + top) {
        struct finding *last = &verdict->findings[--verdict->count];
        free(last->title);
        free(last->measure);
        free(last->processes);
    }
}

static int diff_compare(struct diff *diff, struct verdict *verdict)
{
    int error = 0;
    for (int by = 0; by < COMPARE_LIMIT && error == 0; by++) {
        struct verdict part = {0};
        if (diff->by != COMPARE_LIMIT && diff->by != (enum compare_by)by)
            continue;
        error = compare_ledgers(&part, &diff->ledgers[0], &diff->ledgers[1], (enum compare_by)by,
                                diff->kinds, diff->threshold);
        if (error == 0) {
            verdict_sort(&part);
            verdict_cut(&part, 0, diff->top);
            error = verdict_append(verdict, &part);
        }
        verdict_free(&part);
    }
    return error;
}

static int diff_print(const struct diff *diff, const struct verdict *verdict)
{
    FILE *out = diff->output != NULL ? fopen(diff->output, "we") : stdout;
    if (out == NULL)
        return command_fail("%s: %s", diff->output, strerrordesc_np(errno));
    int error = out_gate(out, diff->format, verdict, &diff->options);
    if (diff->output != NULL && fclose(out) != 0 && error == 0)
        error = -errno;
    if (error == 0)
        return verdict_exit(verdict);
    if (diff->output != NULL || error == -ENOMEM)
        command_fail("%s: cannot be written: %s", diff->output != NULL ? diff->output : "output",
                     strerrordesc_np(-error));
    return COMMAND_FAILED;
}

static int diff_run(struct diff *diff, char **paths)
{
    struct symbolizer *symbolizer = symbolizer_open_cached();
    const struct frame_source source = symbol_source(symbolizer);
    struct verdict verdict = {
        .title = "memtrack diff", .compares = true, .source_root = diff->root};
    int result = symbolizer != NULL ? 0 : command_fail("out of memory");
    progress_start();
    if (result == 0)
        result = diff_read(diff, paths, &source);
    if (result == 0)
        result = diff_compare(diff, &verdict) == 0 ? diff_print(diff, &verdict)
                                                   : command_fail("out of memory");
    verdict_free(&verdict);
    for (int i = 0; i < 2; i++)
        ledger_free(&diff->ledgers[i]);
    symbolizer_close(symbolizer);
    return result;
}

int cmd_diff(int argc, char **argv)
{
    static const struct option options[] = {
        {"by", required_argument, NULL, DIFF_BY},
        {"kinds", required_argument, NULL, DIFF_KINDS},
        {"threshold", required_argument, NULL, DIFF_THRESHOLD},
        {"top", required_argument, NULL, DIFF_TOP},
        {"format", required_argument, NULL, DIFF_FORMAT},
        {"output", required_argument, NULL, 'o'},
        {"source-root", required_argument, NULL, DIFF_ROOT},
        {"full", no_argument, NULL, DIFF_FULL},
        {"color", required_argument, NULL, DIFF_COLOR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static struct diff diff = {.by = COMPARE_LIMIT, .top = 10};
    int option, result = 0;
    leak_kinds_parse("definite,possible", &diff.kinds);
    if (realpath(".", diff.root) == NULL)
        diff.root[0] = '\0';
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while (result == 0 && (option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
        if (option == 'h')
            return diff_help();
        result = diff_option(&diff, argv, option);
    }
    if (result != 0)
        return result;
    if (argc - optind != 2)
        return command_fail("give two inputs to compare; see %s --help", argv[0]);
    if (!command_color(stdout, diff.color, &diff.options.color))
        return COMMAND_FAILED;
    return diff_run(&diff, argv + optind);
}
