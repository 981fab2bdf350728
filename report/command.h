/*
 * Keeps       what the subcommands of `memtrack` share: their entry points, exit codes, the
 *             shape of their complaints.
 * Invariant   results go to stdout and all else to stderr; a complaint is one line that names
 *             the input and the remedy.
 * Threads     the main thread only.
 * Memory      none.
 * On failure  complaints that cannot be written are dropped; the exit code still tells.
 */
#ifndef MEMTRACK_COMMAND_H
#define MEMTRACK_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#define COMMAND_VERSION "0.1.0"

enum command_exit {
    COMMAND_CLEAN = 0,    /* done, and nothing that the user asked to be told about */
    COMMAND_FINDINGS = 1, /* done, and there are findings */
    COMMAND_FAILED = 2,   /* could not do it */
};

/* Subcommands. argv[0] is "memtrack SUBCOMMAND"; the result is the exit code. They call
   getopt_long with `opterr` 0 and an option string that begins with ':' (or "+:"). */
int cmd_export(int argc, char **argv);
int cmd_html(int argc, char **argv);
int cmd_leaks(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_baseline(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* Prints "memtrack: ..." as one line on stderr. Returns COMMAND_FAILED. */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, but work goes on. */
void command_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For getopt_long's '?' and ':' (given as `result`): names the offending option and where to read
   on. Returns COMMAND_FAILED. */
int command_bad_option(char **argv, int result);
/* Whether to colour what goes to `out`. `choice` is the argument of --color (NULL: not given):
   always, never or auto; auto is a terminal without NO_COLOR and with TERM other than dumb.
   Returns false, after a complaint, if the choice is none of these. */
bool command_color(FILE *out, const char *choice, bool *color);
/* An environment variable's value; NULL if it is unset or empty. */
const char *command_environment(const char *name);

#endif
