#include "command.h"
#include "frames.h"
#include "leak_known.h"
#include "leak_record.h"
#include "leak_wait.h"
#include "live/live_find.h"
#include "out_json.h"
#include "out_text.h"
#include "progress.h"
#include "request.h"
#include "symbol_source.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define LEAKS_TOP 10
#define LEAKS_PATIENCE_S 60

struct leaks {
    struct out_text_options text;
    bool json;
    const char *color;
    unsigned patience_s;
    struct symbolizer *symbolizer;
    size_t asked; /* processes so far */
    size_t printed;
    bool found;
    bool failed;
};

enum leaks_option {
    LEAKS_TOP_OPTION = 256,
    LEAKS_KINDS,
    LEAKS_TIMEOUT,
    LEAKS_JSON,
    LEAKS_FULL,
    LEAKS_COLOR,
};

static const struct option leaks_options[] = {
    {"top", required_argument, NULL, LEAKS_TOP_OPTION},
    {"show-leak-kinds", required_argument, NULL, LEAKS_KINDS},
    {"timeout", required_argument, NULL, LEAKS_TIMEOUT},
    {"json", no_argument, NULL, LEAKS_JSON},
    {"full", no_argument, NULL, LEAKS_FULL},
    {"color", required_argument, NULL, LEAKS_COLOR},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int leaks_help(void)
{
    puts("usage: memtrack leaks [OPTION]... PID...\n"
         "\n"
         "Lets a running process, which is tracked, look for leaks now, and prints what it found.\n"
         "The process stands still for about as long as a fork takes; a copy of it does the rest.\n"
         "No debugger's privileges are needed. The result is in the process's report, too.\n"
         "\n"
         "  --show-leak-kinds KINDS\n"
         "                  which loss records to list: definite, indirect, possible, reachable,\n"
         "                  with commas, or all (default: what show_kinds= of MEMTRACK_OPTIONS "
         "said\n"
         "                  to the process, or definite,possible)\n"
         "  --top N         loss records, 0 for all (default 10)\n"
         "  --timeout N     seconds to wait for each process (default 60)\n"
         "  --full          fold no library frames, leave nothing out of stacks\n"
         "  --json          its whole report as memtrack report --json prints it; this check is "
         "the\n"
         "                  last of its checks\n"
         "  --color WHEN    auto (default), always or never\n"
         "  --help          print this\n"
         "\n"
         "Exit status: 0 nothing is definitely lost; 1 something is; 2 a process could not be "
         "asked,\n"
         "or came to no result.");
    return COMMAND_CLEAN;
}

static bool leaks_number(const char *text, unsigned long least, unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *text >= '0' && *text <= '9' &&
           *number >= least && *number <= INT_MAX;
}

static int leaks_set(struct leaks *leaks, char **argv, int option)
{
    unsigned long number;
    switch (option) {
    case LEAKS_TOP_OPTION:
        if (!leaks_number(optarg, 0, &number))
            return command_fail("--top=%s: must be a number, 0 for all records", optarg);
        leaks->text.top = number;
        return 0;
    case LEAKS_KINDS:
        if (leak_kinds_parse(optarg, &leaks->text.kinds))
            return 0;
        return command_fail("--show-leak-kinds=%s: must be some of definite, indirect, possible "
                            "and reachable with commas between, all, or none",
                            optarg);
    case LEAKS_TIMEOUT:
        if (!leaks_number(optarg, 1, &number))
            return command_fail("--timeout=%s: must be a number of seconds, at least 1", optarg);
        leaks->patience_s = (unsigned)number;
        return 0;
    case LEAKS_JSON:
        leaks->json = true;
        return 0;
    case LEAKS_FULL:
        leaks->text.full = true;
        return 0;
    case LEAKS_COLOR:
        leaks->color = optarg;
        return 0;
    default:
        return command_bad_option(argv, option);
    }
}

static void leaks_refuse(struct leaks *leaks, const char *message)
{
    progress_clear();
    command_warn("%s", message);
    leaks->failed = true;
}

static int leaks_out(struct leaks *leaks, const struct snapshot *snapshot, struct frames *frames)
{
    const struct out_json_options json = {.by = AGGREGATE_SITE, .sort = FIGURES_LIVE};
    if (leaks->json)
        return out_json_report(stdout, snapshot, frames, &json, leaks->printed == 0);
    if (leaks->asked > 1)
        printf("%s== %s ==\n", leaks->printed > 0 ? "\n" : "", snapshot->path);
    return out_text(stdout, snapshot, frames, &leaks->text);
}

static int leaks_print(struct leaks *leaks, struct snapshot *snapshot,
                       const struct snapshot_check *check)
{
    const struct frame_source source = symbol_source(leaks->symbolizer);
    struct frames *frames = frames_open(snapshot, &source);
    leaks->text.check = check;
    int error = frames != NULL ? leak_known_apply(snapshot, frames) : -ENOMEM;
    if (error == 0)
        error = leaks_out(leaks, snapshot, frames);
    frames_close(frames);
    leaks->printed++;
    leaks->found |= check->blocks[MTF_LEAK_DEFINITE] > 0;
    return error;
}

/* A failure here is one of ours or of stdout, and ends the command. */
static int leaks_process(struct leaks *leaks, int pid)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct leak_wait wait;
    char *path;
    progress_start();
    int refused = live_find(pid, &path, message, sizeof message);
    if (refused == 0)
        refused = leak_wait(&wait, pid, path, leaks->patience_s, message, sizeof message);
    free(path);
    if (refused != 0) {
        leaks_refuse(leaks, message);
        return 0;
    }
    const char *complaint = leak_check_complaint(wait.snapshot, wait.check);
    int error = 0;
    if (complaint != NULL) {
        snprintf(message, sizeof message, "process %d found out nothing: %s", pid, complaint);
        leaks_refuse(leaks, message);
    } else {
        error = leaks_print(leaks, wait.snapshot, wait.check);
    }
    snapshot_free(wait.snapshot);
    progress_clear();
    return error;
}

static int leaks_all(struct leaks *leaks, char **argv, int count)
{
    int error = leaks->json ? out_json_begin(stdout) : 0;
    leaks->asked = (size_t)count;
    for (int i = 0; i < count && error == 0; i++) {
        int pid;
        if (request_parse_pid(argv[i], &pid)) {
            error = leaks_process(leaks, pid);
        } else {
            command_warn("'%s' is not a process id; memtrack report reads files", argv[i]);
            leaks->failed = true;
        }
    }
    if (error == 0 && leaks->json)
        error = out_json_end(stdout);
    return error;
}

static int leaks_run(struct leaks *leaks, char **argv, int count)
{
    if (!command_color(stdout, leaks->color, &leaks->text.color))
        return COMMAND_FAILED;
    leaks->symbolizer = symbolizer_open();
    int error = leaks->symbolizer != NULL ? leaks_all(leaks, argv, count) : -ENOMEM;
    symbolizer_close(leaks->symbolizer);
    if (error == -ENOMEM)
        return command_fail("out of memory; close other programs and ask again");
    if (error != 0 || leaks->failed)
        return COMMAND_FAILED;
    return leaks->found ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

int cmd_leaks(int argc, char **argv)
{
    struct leaks leaks = {.patience_s = LEAKS_PATIENCE_S,
                          .text = {.sort = FIGURES_KEY_LIMIT,
                                   .top = LEAKS_TOP,
                                   .leaks = true,
                                   .kinds = OUT_TEXT_KINDS_ASKED}};
    int option, result;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":h", leaks_options, NULL)) != -1) {
        if (option == 'h')
            return leaks_help();
        result = leaks_set(&leaks, argv, option);
        if (result != 0)
            return result;
    }
    if (optind == argc)
        return command_fail("give the id of a process that is tracked; see %s --help", argv[0]);
    return leaks_run(&leaks, argv + optind, argc - optind);
}
