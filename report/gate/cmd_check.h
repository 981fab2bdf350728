/*
 * Keeps       the part of `memtrack check` that `memtrack run --gate` shares with it: options, and the
 *             judgement of a list of reports.
 * Invariant   an option means the same in both; those of the command line replace those of
 *             memtrack.ini.
 * Threads     the main thread.
 * Memory      check_end gives everything back; arguments are borrowed from argv.
 * On failure  COMMAND_FAILED, after a complaint.
 */
#ifndef MEMTRACK_CMD_CHECK_H
#define MEMTRACK_CMD_CHECK_H

#include "gate.h"
#include "inputs.h"
#include "out_gate.h"
#include <getopt.h>

/* A setting of the command line. */
struct check_setting {
    const char *name;
    const char *value;
};

struct check {
    struct gate gate;
    struct check_setting *settings;
    size_t setting_count;
    const char *config; /* --config; NULL: memtrack.ini of the current folder, if there is one */
    const char *output; /* --output; NULL: stdout */
    const char *suppressions; /* --gen-suppressions=FILE, to append to; NULL: none */
    enum gate_format format;
    struct out_gate_options options;
    const char *color;
};

/* The options that are about judging: getopt_long gives values from CHECK_OPTION_FIRST on. */
#define CHECK_OPTION_FIRST 512
#define CHECK_OPTION_COUNT 18
extern const struct option check_options[CHECK_OPTION_COUNT];
extern const char check_options_help[];

/* Takes one of these options. 0 or COMMAND_FAILED. */
int check_option(struct check *check, int option, const char *argument);
/* Reads memtrack.ini and applies the settings. 0 or COMMAND_FAILED. */
int check_begin(struct check *check);
/* Judges and prints: people's text to `out`, another form there or to --output. Enum command_exit. */
int check_run(struct check *check, const struct inputs *inputs, const char *title, FILE *out);
void check_end(struct check *check);

#endif
