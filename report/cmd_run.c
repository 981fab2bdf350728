#include "cmd_run_place.h"
#include "cmd_run_reports.h"
#include "command.h"
#include "gate/cmd_check.h"
#include "launch.h"
#include "path_search.h"
#include "preflight.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* What shells and env(1) end with when a program cannot be started. */
#define RUN_NOT_FOUND 127
#define RUN_NOT_EXECUTABLE 126
/* More processes than this are summed up in one line. */
#define RUN_SUMMARIES_MAX 20
/* What may be given by --option and inherited in MEMTRACK_OPTIONS; the kernel's limit for one
   variable is 128 KiB. */
#define RUN_OPTIONS_MAX 65536

/* What the tracker takes as only=, and the name of the key. */
#define RUN_ONLY_MAX 1000

struct run {
    char **program;    /* argument vector, ends in NULL */
    const char *out;   /* NULL: not given */
    const char *color; /* NULL: not given */
    bool quiet;
    bool force;
    bool gate; /* judge the reports, too */
    struct check check;
    uint64_t id;
    char shim[PATH_MAX];
    char options[RUN_OPTIONS_MAX]; /* from --option, each preceded by ':' */
    struct run_place place;
};

static const char run_usage[] =
    "usage: memtrack run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
    "\n"
    "Runs the program, tracks what it allocates, and ends as it ended. Every process of the run\n"
    "writes a report; their summaries are printed on standard error at the end.\n"
    "\n"
    "  -o, --out=PATH          report file name (%e program, %p pid, %t time, %h host) or folder;\n"
    "                          the current folder if not given\n"
    "      --option=KEY=VALUE  an option for the tracker, as in MEMTRACK_OPTIONS:\n"
    "                          depth=FRAMES, samples=BLOCKS, unwind=fast|libunwind|verify\n"
    "  -q, --quiet             print no summaries\n"
    "      --force             run the program even if it cannot be tracked\n"
    "      --color=WHEN        always, never or auto (a terminal, and NO_COLOR unset)\n"
    "      --gate              judge all processes of the run as 'memtrack check' does, whose "
    "options\n"
    "                          may follow: --max-lost, --suppressions, --baseline, ...\n"
    "  -h, --help              print this\n"
    "\n"
    "exit status: the program's own; 2 if it was not run because it cannot be tracked,\n"
    "126 if it cannot be executed, 127 if it was not found. With --gate, where the program's own "
    "is 0:\n"
    "1 if there are findings, 2 if something could not be judged.\n";

static bool run_add_option(struct run *run, const char *option)
{
    static const char *const ours[] = {"out=", "run=", "summary="};
    const char *equals = strchr(option, '=');
    if (equals == NULL || equals == option) {
        command_fail("--option=%s: must be KEY=VALUE; see memtrack run --help", option);
        return false;
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strncmp(option, ours[i], strlen(ours[i])) == 0) {
            command_fail("--option=%s: memtrack run sets this itself; use --out or --quiet",
                         option);
            return false;
        }
    }
    size_t length = strlen(run->options);
    run->options[length] = ':';
    run->options[length + 1] = '\0';
    if (run_place_escape(run->options, sizeof run->options, option))
        return true;
    command_fail("--option: all of them together are too long");
    return false;
}

enum run_option { OPTION_OPTION = 256, OPTION_FORCE, OPTION_COLOR, OPTION_GATE };

/* Of judging, all options but --gate are those of `check`. 0 or an exit code. */
static int run_option(struct run *run, char **argv, int option)
{
    switch (option) {
    case 'o':
        run->out = optarg;
        return 0;
    case 'q':
        run->quiet = true;
        return 0;
    case OPTION_FORCE:
        run->force = true;
        return 0;
    case OPTION_COLOR:
        run->color = optarg;
        return 0;
    case OPTION_GATE:
        run->gate = true;
        return 0;
    case OPTION_OPTION:
        return run_add_option(run, optarg) ? 0 : COMMAND_FAILED;
    default:
        if (option < CHECK_OPTION_FIRST)
            return command_bad_option(argv, option);
        if (!run->gate)
            return command_fail("--%s: judges nothing without --gate before it",
                                check_options[option - CHECK_OPTION_FIRST].name);
        return check_option(&run->check, option, optarg);
    }
}

/* Reads the command line; negative: go on, otherwise the exit code. */
static int run_parse(struct run *run, int argc, char **argv)
{
    struct option options[CHECK_OPTION_COUNT + 8] = {
        {"out", required_argument, NULL, 'o'},
        {"option", required_argument, NULL, OPTION_OPTION},
        {"quiet", no_argument, NULL, 'q'},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"color", required_argument, NULL, OPTION_COLOR},
        {"gate", no_argument, NULL, OPTION_GATE},
        {"help", no_argument, NULL, 'h'},
    };
    int option, result = 0;
    memcpy(options + 7, check_options, sizeof check_options);
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the only thread */
    while (result == 0 && (option = getopt_long(argc, argv, "+:o:qh", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(run_usage, stdout);
            return COMMAND_CLEAN;
        }
        result = run_option(run, argv, option);
    }
    if (result != 0)
        return result;
    run->program = argv + optind;
    if (run->program[0] == NULL)
        return command_fail("no program given; try: memtrack run -- ./app");
    return -1;
}

/* The shim that belongs to this very program: beside it in a build tree, else where `make install`
   puts it. */
static bool run_find_shim(struct run *run)
{
    static const char *const places[] = {"libmemtrack.so", "../lib/memtrack/libmemtrack.so"};
    char self[PATH_MAX];
    char candidate[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        snprintf(candidate, sizeof candidate, "%.*s/%s", (int)(slash - self), self, places[i]);
        if (realpath(candidate, run->shim) == NULL)
            continue;
        if (strpbrk(run->shim, " :$") == NULL)
            return true;
        command_fail("%s: LD_PRELOAD cannot name a path with ' ', ':' or '$'; install memtrack "
                     "somewhere else",
                     run->shim);
        return false;
    }
    command_fail("libmemtrack.so is neither beside %s nor in ../lib/memtrack; build it with make, "
                 "or install memtrack again",
                 self);
    return false;
}

/* Prints what speaks against it. Returns -1 to go on, otherwise the exit code. */
static int run_preflight(const struct run *run)
{
    static struct preflight preflight;
    char path[PATH_MAX];
    int error = path_search(run->program[0], path);
    if (error) {
        command_fail("%s: %s", run->program[0],
                     error == -ENOENT ? "no such program" : strerrordesc_np(-error));
        return error == -ENOENT || error == -ENOTDIR ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE;
    }
    preflight_check(&preflight, path, run->shim);
    for (int i = 0; i < preflight.warning_count; i++)
        command_warn("%s", preflight.warnings[i]);
    if (preflight.refusal[0] == '\0')
        return -1;
    if (run->force) {
        command_warn("%s", preflight.refusal);
        return -1;
    }
    return command_fail("%s (--force runs it anyway)", preflight.refusal);
}

/* The text, which is never freed: it becomes part of an environment. NULL: out of memory. */
__attribute__((format(printf, 1, 2))) static char *run_format(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}

/* The shim goes first; whatever the user preloads stays. */
static char *run_preload(const struct run *run)
{
    const char *before = command_environment("LD_PRELOAD");
    return run_format("LD_PRELOAD=%s%s%s", run->shim, before ? ":" : "", before ? before : "");
}

/* Programs that the gate will not judge need not be tracked. "" where all are, or where a pattern means more to
   the gate than to the tracker. NULL: out of memory. */
static char *run_only(const struct run *run)
{
    const struct gate *gate = &run->check.gate;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool plain = true;
    for (size_t i = 0; out != NULL && run->gate && i < gate->program_count; i++) {
        fprintf(out, "%s%s", i == 0 ? ":only=" : ",", gate->programs[i]);
        plain = plain && *gate->programs[i] != '\0' && strpbrk(gate->programs[i], ",:\\") == NULL;
    }
    if (out == NULL || fclose(out) != 0) {
        free(text);
        return NULL;
    }
    if (!plain || size > RUN_ONLY_MAX)
        *text = '\0';
    return text;
}

/* Where a key is given twice the last one counts: the user's, then --option, then ours. */
static char *run_tracker_options(const struct run *run)
{
    const char *before = command_environment("MEMTRACK_OPTIONS");
    char *only = run_only(run);
    char *text =
        only != NULL
            ? run_format("MEMTRACK_OPTIONS=%s%s%s:out=%s:run=%" PRIu64 ":summary=0",
                         before ? before : "", only, run->options, run->place.option, run->id)
            : NULL;
    free(only);
    return text;
}

static bool run_replaces(const char *variable)
{
    return strncmp(variable, "LD_PRELOAD=", 11) == 0 ||
           strncmp(variable, "MEMTRACK_OPTIONS=", 17) == 0;
}

/* The program's environment: ours with two variables replaced. NULL: out of memory. */
static char **run_environment(const struct run *run)
{
    size_t count = 0;
    size_t to = 0;
    while (environ[count])
        count++;
    char **environment = calloc(count + 3, sizeof *environment);
    if (environment == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!run_replaces(environ[i]))
            environment[to++] = environ[i];
    }
    environment[to] = run_preload(run);
    environment[to + 1] = run_tracker_options(run);
    return environment[to] && environment[to + 1] ? environment : NULL;
}

/* The verdict on all processes of the run, on standard error. */
static int run_judge(struct run *run, const struct run_reports *reports, bool color)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct inputs inputs = {0};
    int error = 0;
    for (size_t i = 0; i < reports->count && error == 0; i++)
        error = inputs_add(&inputs, reports->items[i].path, message, sizeof message);
    run->check.options.color = color;
    int result = error == 0 ? check_run(&run->check, &inputs, "memtrack run --gate", stderr)
                            : command_fail("%s", message);
    inputs_free(&inputs);
    return result;
}

/* Tells what the run's reports say; of a gate, the verdict. */
static int run_conclude(struct run *run, const struct launch *launch, bool color)
{
    struct run_reports reports;
    int result = COMMAND_CLEAN;
    int error =
        run_reports_find(&reports, run->place.folder, run->place.pattern, run->id, launch->pid);
    if (error)
        command_warn("%s: reports cannot be looked for: %s", run->place.folder,
                     strerrordesc_np(-error));
    else if (reports.count == 0 && run->check.gate.program_count > 0)
        command_warn("%s: no program that fits --program was tracked", run->program[0]);
    else if (reports.count == 0)
        command_warn("%s: no report was written to %s: the tracker was not loaded, or could not "
                     "write there",
                     run->program[0], run->place.folder);
    run_reports_mark(&reports, launch->pid, launch->wait_status);
    if (run->gate)
        result = run_judge(run, &reports, color);
    else if (!run->quiet)
        run_reports_print(stderr, &reports, RUN_SUMMARIES_MAX, run->place.folder, color);
    run_reports_free(&reports);
    return result;
}

static int run_program(struct run *run, bool color)
{
    struct launch launch;
    char **environment = run_environment(run);
    if (environment == NULL)
        return command_fail("%s: out of memory", run->program[0]);
    int error = launch_program(run->program, environment, &launch);
    if (error)
        return command_fail("%s: cannot be started: %s", run->program[0], strerrordesc_np(-error));
    if (launch.exec_error) {
        command_fail("%s: %s", run->program[0], strerrordesc_np(launch.exec_error));
        return launch.exec_error == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE;
    }
    int judged = run_conclude(run, &launch, color);
    int result = launch_mimic(launch.wait_status);
    return result != 0 ? result : judged;
}

int cmd_run(int argc, char **argv)
{
    static struct run run; /* too large for a stack */
    bool color;
    int result = run_parse(&run, argc, argv);
    if (result >= 0)
        return result;
    if (!command_color(stderr, run.color, &color) || !run_find_shim(&run))
        return COMMAND_FAILED;
    result = run_preflight(&run);
    if (result >= 0)
        return result;
    if (!run_place_make(&run.place, run.out) || (run.gate && check_begin(&run.check) != 0))
        return COMMAND_FAILED;
    do {
        if (getrandom(&run.id, sizeof run.id, 0) != sizeof run.id)
            return command_fail("no random number to be had from the kernel");
    } while (run.id == 0); /* 0 means: no run */
    result = run_program(&run, color);
    check_end(&run.check);
    return result;
}
