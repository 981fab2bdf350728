#include "command.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    char *title; /* argv[0] of the subcommand */
    const char *purpose;
} main_commands[] = {
    {"run", cmd_run, "memtrack run", "run a program and track what it allocates"},
    {"check", cmd_check, "memtrack check", "judge report files: fail on leaks and exceeded limits"},
    {"baseline", cmd_baseline, "memtrack baseline", "keep what is leaked now, to compare with"},
    {"diff", cmd_diff, "memtrack diff", "show what changed between reports"},
    {"leaks", cmd_leaks, "memtrack leaks", "let a running process look for leaks now"},
    {"merge", cmd_merge, "memtrack merge", "add the reports of many processes to one"},
    {"report", cmd_report, "memtrack report", "explain report files"},
    {"top", cmd_top, "memtrack top", "watch what a process holds while it runs"},
    {"html", cmd_html, "memtrack html", "write a report, or two to compare, as a page"},
    {"export", cmd_export, "memtrack export", "write a report in another tool's format"},
};

#define MAIN_COMMANDS (sizeof main_commands / sizeof *main_commands)

static int main_help(FILE *out)
{
    fputs("memtrack: finds what a program allocates, where, and what it never frees\n\n", out);
    fputs("usage: memtrack COMMAND [OPTION]... [ARGUMENT]...\n\ncommands:\n", out);
    for (size_t i = 0; i < MAIN_COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", main_commands[i].name, main_commands[i].purpose);
    fputs("\n  help COMMAND, COMMAND --help\n             tell more about a command\n"
          "  --version  print the version\n\n"
          "start with: memtrack run -- ./app\n",
          out);
    return COMMAND_CLEAN;
}

/* `argc` and `argv` begin with the subcommand's name. */
static int main_dispatch(int argc, char **argv)
{
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        if (strcmp(argv[0], main_commands[i].name) == 0) {
            argv[0] = main_commands[i].title;
            return main_commands[i].run(argc, argv);
        }
    }
    return command_fail("'%s' is not a command; see memtrack --help", argv[0]);
}

static int main_run(int argc, char **argv)
{
    if (argc < 2) {
        main_help(stderr);
        return COMMAND_FAILED;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        puts("memtrack " COMMAND_VERSION);
        return COMMAND_CLEAN;
    }
    bool help = strcmp(word, "help") == 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (help && argc == 2))
        return main_help(stdout);
    if (help) {
        char option[] = "--help";
        char *arguments[] = {argv[2], option, NULL};
        return main_dispatch(2, arguments);
    }
    return main_dispatch(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int result = main_run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        return command_fail("standard output: cannot write all of it (disk full, or reader gone)");
    return result;
}
