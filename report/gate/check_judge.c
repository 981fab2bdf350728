#include "cmd_check.h"
#include "command.h"
#include "judge.h"
#include "progress.h"
#include "symbol_source.h"
#include "symbolize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK_CONFIG "memtrack.ini"

enum check_option {
    CHECK_FORMAT = CHECK_OPTION_FIRST,
    CHECK_OUTPUT,
    CHECK_CONFIG_FILE,
    CHECK_FULL,
    CHECK_GEN_SUPPRESSIONS,
    CHECK_SETTING, /* and all from here on: settings of the gate, by their own names */
};

const struct option check_options[CHECK_OPTION_COUNT] = {
    {"format", required_argument, NULL, CHECK_FORMAT},
    {"output", required_argument, NULL, CHECK_OUTPUT},
    {"config", required_argument, NULL, CHECK_CONFIG_FILE},
    {"full", no_argument, NULL, CHECK_FULL},
    {"gen-suppressions", optional_argument, NULL, CHECK_GEN_SUPPRESSIONS},
    {"max-lost", required_argument, NULL, CHECK_SETTING},
    {"max-blocks", required_argument, NULL, CHECK_SETTING + 1},
    {"max-peak", required_argument, NULL, CHECK_SETTING + 2},
    {"max-allocs", required_argument, NULL, CHECK_SETTING + 3},
    {"max-total", required_argument, NULL, CHECK_SETTING + 4},
    {"max-temporary", required_argument, NULL, CHECK_SETTING + 5},
    {"kinds", required_argument, NULL, CHECK_SETTING + 6},
    {"allow", required_argument, NULL, CHECK_SETTING + 7},
    {"site", required_argument, NULL, CHECK_SETTING + 8},
    {"suppressions", required_argument, NULL, CHECK_SETTING + 9},
    {"baseline", required_argument, NULL, CHECK_SETTING + 10},
    {"source-root", required_argument, NULL, CHECK_SETTING + 11},
    {"program", required_argument, NULL, CHECK_SETTING + 12},
};

const char check_options_help[] =
    "  --max-lost BYTES      bytes that all processes together may lose (default 0)\n"
    "  --max-blocks N        blocks that they may lose\n"
    "  --kinds KINDS         which leaks count: definite (default), indirect, possible, reachable\n"
    "                        with commas between, all, or none\n"
    "  --max-peak BYTES      peak, total bytes, allocations and temporary allocations that each\n"
    "  --max-total BYTES     process may have\n"
    "  --max-allocs N\n"
    "  --max-temporary N\n"
    "  --site 'PATTERN: NAME=LIMIT...'\n"
    "                        limits for each process at call sites with a function, file or "
    "module\n"
    "                        that fits: lost, blocks, peak, total, allocs, temporary\n"
    "  --suppressions FILE   leaks to leave out: Valgrind's or LeakSanitizer's format\n"
    "  --gen-suppressions[=FILE]\n"
    "                        print a suppression behind each leak, or write them all to FILE\n"
    "  --baseline FILE       leaks to leave out unless they grow (memtrack baseline)\n"
    "  --program PATTERN     judge only processes of this program; may be given again\n"
    "  --allow WHAT          judge nevertheless: killed, missed, untracked, unclassified\n"
    "  --config FILE         settings (default memtrack.ini, if there is one)\n"
    "  --format FORMAT       text (default), json, junit, sarif, github, gitlab or markdown\n"
    "  --output FILE         where to write it; text goes to standard output then\n"
    "  --source-root FOLDER  name source files from here (default the current folder)\n"
    "  --full                leave nothing out of stacks\n";

static int check_add_setting(struct check *check, const char *name, const char *value)
{
    struct check_setting *settings =
        reallocarray(check->settings, check->setting_count + 1, sizeof settings[0]);
    if (settings == NULL)
        return command_fail("out of memory");
    check->settings = settings;
    settings[check->setting_count++] = (struct check_setting){name, value};
    return 0;
}

int check_option(struct check *check, int option, const char *argument)
{
    switch (option) {
    case CHECK_FORMAT:
        if (gate_format_parse(argument, &check->format))
            return 0;
        return command_fail("--format=%s: must be text, json, junit, sarif, github, gitlab or "
                            "markdown",
                            argument);
    case CHECK_OUTPUT:
        check->output = argument;
        return 0;
    case CHECK_CONFIG_FILE:
        check->config = argument;
        return 0;
    case CHECK_FULL:
        check->options.full = true;
        return 0;
    case CHECK_GEN_SUPPRESSIONS:
        check->options.gen_suppressions = argument == NULL;
        check->suppressions = argument;
        return 0;
    default:
        return check_add_setting(check, check_options[option - CHECK_OPTION_FIRST].name, argument);
    }
}

int check_begin(struct check *check)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    const char *config = check->config;
    if (config == NULL && access(CHECK_CONFIG, F_OK) == 0)
        config = CHECK_CONFIG;
    int error = gate_begin(&check->gate, message, sizeof message);
    if (error == 0 && config != NULL)
        error = gate_read_file(&check->gate, config, message, sizeof message);
    for (size_t i = 0; i < check->setting_count && error == 0; i++) {
        const struct check_setting *setting = &check->settings[i];
        error =
            gate_set(&check->gate, setting->name, setting->value, NULL, message, sizeof message);
    }
    return error == 0 ? 0 : command_fail("%s", message);
}

void check_end(struct check *check)
{
    gate_free(&check->gate);
    free(check->settings);
    *check = (struct check){0};
}

/* Behind what the file has already: it may be the one that is in use. */
static int check_write_suppressions(const struct check *check, const struct verdict *verdict)
{
    FILE *file = fopen(check->suppressions, "ae");
    if (file == NULL) {
        command_fail("%s: %s", check->suppressions, strerrordesc_np(errno));
        return -EPIPE;
    }
    int error = out_gate_suppressions(file, verdict);
    if (fclose(file) != 0 || error == -EIO) {
        command_fail("%s: cannot be written: %s", check->suppressions, strerrordesc_np(errno));
        return -EPIPE;
    }
    return error;
}

/* The form that was asked for, and beside a file text for people. */
static int check_print(const struct check *check, const struct verdict *verdict, FILE *out)
{
    if (check->output == NULL)
        return out_gate(out, check->format, verdict, &check->options);
    FILE *file = fopen(check->output, "we");
    if (file == NULL) {
        command_fail("%s: %s", check->output, strerrordesc_np(errno));
        return -EPIPE;
    }
    struct out_gate_options plain = check->options;
    plain.color = false;
    int error = out_gate(file, check->format, verdict, &plain);
    if (fclose(file) != 0 || error == -EIO) {
        command_fail("%s: cannot be written: %s", check->output, strerrordesc_np(errno));
        return -EPIPE;
    }
    return error == 0 ? out_gate(out, GATE_TEXT, verdict, &check->options) : error;
}

int check_run(struct check *check, const struct inputs *inputs, const char *title, FILE *out)
{
    struct symbolizer *symbolizer = symbolizer_open_cached();
    const struct frame_source source = symbol_source(symbolizer);
    struct judge judge = {.gate = &check->gate, .source = &source};
    int error = symbolizer != NULL ? 0 : -ENOMEM;
    progress_start();
    if (error == 0)
        error = judge_run(&judge, inputs);
    judge.verdict.title = title;
    int result = COMMAND_FAILED;
    if (error == 0 && check->suppressions != NULL)
        error = check_write_suppressions(check, &judge.verdict);
    if (error == 0) {
        result = verdict_exit(&judge.verdict);
        error = check_print(check, &judge.verdict, out);
    }
    judge_free(&judge);
    symbolizer_close(symbolizer);
    if (error == -ENOMEM)
        return command_fail("out of memory; check fewer reports at a time");
    return error == 0 ? result : COMMAND_FAILED;
}
