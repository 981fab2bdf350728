#include "command.h"
#include "output.h"
#include "page.h"
#include "progress.h"
#include "symbol_pool.h"

#include <errno.h>
#include <getopt.h>
#include <unistd.h>

struct html_command {
    struct page page;
    const char *output;
};

enum html_option {
    OPTION_FULL = 256,
};

static const struct option html_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"full", no_argument, NULL, OPTION_FULL},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int html_help(void)
{
    puts("usage: memtrack html [OPTION]... FILE [FILE2]\n"
         "\n"
         "Writes a report as one page for a browser: verdict, timeline, flame graphs, tables, "
         "leaks,\n"
         "histograms. With FILE2, the page compares it with FILE. It needs no network.\n"
         "\n"
         "  -o, --output OUT  write to this file (default: standard output)\n"
         "  --full            fold no library frames\n"
         "  --help            print this\n"
         "\n"
         "Exit status: 0 written, 2 something could not be read or written.");
    return COMMAND_CLEAN;
}

static int html_set(struct html_command *command, char **argv, int option)
{
    switch (option) {
    case 'o':
        command->output = optarg;
        return 0;
    case OPTION_FULL:
        command->page.full = true;
        return 0;
    default:
        return command_bad_option(argv, option);
    }
}

static int html_write(struct html_command *command)
{
    struct output output;
    if (output_open(&output, command->output) != 0)
        return COMMAND_FAILED;
    command->page.out = output.stream;
    int error = page_write(&command->page);
    progress_clear();
    int closed = output_close(&output, error == 0);
    if (error == -ENOMEM)
        return command_fail("out of memory; write the page on a larger machine");
    if (error == -EINVAL)
        return command_fail("this memtrack was built without its page; build it again");
    if (error != 0 && command->output != NULL)
        return command_fail("%s: cannot write all of it (disk full?)", command->output);
    return error != 0 || closed != 0 ? COMMAND_FAILED : COMMAND_CLEAN;
}

static int html_name_and_write(struct html_command *command)
{
    struct symbol_pool *symbols = symbol_pool_open();
    if (symbols == NULL)
        return command_fail("out of memory; write the page on a larger machine");
    const struct frame_source source = symbol_pool_source(symbols);
    command->page.source = &source;
    int result = html_write(command);
    symbol_pool_close(symbols);
    return result;
}

static int html_run(struct html_command *command, char **paths, int count)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshots[PAGE_REPORTS_MAX] = {NULL, NULL};
    int result = 0;
    progress_start();
    for (int i = 0; i < count && result == 0; i++) {
        if (snapshot_load(paths[i], &snapshots[i], message, sizeof message) != 0)
            result = command_fail("%s", message);
        command->page.snapshots[i] = snapshots[i];
    }
    command->page.count = (unsigned)count;
    if (result == 0)
        result = html_name_and_write(command);
    for (int i = 0; i < PAGE_REPORTS_MAX; i++)
        snapshot_free(snapshots[i]);
    return result;
}

int cmd_html(int argc, char **argv)
{
    struct html_command command = {0};
    int option, result;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":ho:", html_options, NULL)) != -1) {
        if (option == 'h')
            return html_help();
        result = html_set(&command, argv, option);
        if (result != 0)
            return result;
    }
    if (optind == argc)
        return command_fail("give a report file, or two to compare; see %s --help", argv[0]);
    if (argc - optind > PAGE_REPORTS_MAX)
        return command_fail("%s: one report too many; a page shows one or compares two",
                            argv[optind + PAGE_REPORTS_MAX]);
    if (command.output == NULL && isatty(STDOUT_FILENO))
        return command_fail("a page is not for a terminal; give its name with -o");
    return html_run(&command, argv + optind, argc - optind);
}
