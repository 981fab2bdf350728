#include "cmd_check.h"
#include "command.h"
#include "progress.h"

#include <errno.h>
#include <string.h>

static int check_help(void)
{
    fputs("usage: memtrack check [OPTION]... FILE|FOLDER...\n"
          "\n"
          "Judges report files: fails on leaks, and on processes over their limits.\n"
          "\n",
          stdout);
    fputs(check_options_help, stdout);
    fputs(
        "  --color WHEN          auto (default), always or never\n"
        "  --help                print this\n"
        "\n"
        "Exit status: 0 clean; 1 findings; 2 something could not be judged: no report, a damaged\n"
        "one, a process killed before its end, missed events, nothing tracked.\n",
        stdout);
    return COMMAND_CLEAN;
}

/* Negative: go on; otherwise the exit status. */
static int check_parse(struct check *check, int argc, char **argv)
{
    enum { OPTION_COLOR = 256 };
    struct option options[CHECK_OPTION_COUNT + 3] = {
        {"color", required_argument, NULL, OPTION_COLOR},
        {"help", no_argument, NULL, 'h'},
    };
    int option, result = 0;
    memcpy(options + 2, check_options, sizeof check_options);
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while (result == 0 && (option = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
        if (option == 'h')
            return check_help();
        if (option == 'o')
            check->output = optarg;
        else if (option == OPTION_COLOR)
            check->color = optarg;
        else if (option >= CHECK_OPTION_FIRST)
            result = check_option(check, option, optarg);
        else
            result = command_bad_option(argv, option);
    }
    if (result != 0)
        return result;
    if (optind == argc)
        return command_fail("give a report file, or a folder of them; see %s --help", argv[0]);
    return -1;
}

/* What is no report, and a folder without one, is a failure of the gate, not of the command line. */
static int check_inputs(struct check *check, char **paths, int count)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct inputs inputs = {0};
    int result = COMMAND_CLEAN, judged = COMMAND_FAILED;
    for (int i = 0; i < count; i++) {
        if (inputs_add(&inputs, paths[i], message, sizeof message) != 0)
            result = command_fail("%s", message);
    }
    if (inputs.count > 0)
        judged = check_run(check, &inputs, "memtrack check", stdout);
    inputs_free(&inputs);
    return result != COMMAND_CLEAN ? result : judged;
}

int cmd_check(int argc, char **argv)
{
    struct check check = {0};
    int result = check_parse(&check, argc, argv);
    if (result < 0) {
        result = COMMAND_FAILED;
        if (command_color(stdout, check.color, &check.options.color) && check_begin(&check) == 0)
            result = check_inputs(&check, argv + optind, argc - optind);
    }
    check_end(&check);
    return result;
}
