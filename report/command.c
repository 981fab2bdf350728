#include "command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One write, so that lines of several processes do not mix. */
static void command_say(const char *format, va_list arguments)
{
    char *line = NULL;
    if (vasprintf(&line, format, arguments) < 0)
        return;
    fprintf(stderr, "memtrack: %s\n", line);
    free(line);
}

int command_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    command_say(format, arguments);
    va_end(arguments);
    return COMMAND_FAILED;
}

void command_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    command_say(format, arguments);
    va_end(arguments);
}

int command_bad_option(char **argv, int result)
{
    const char *complaint = result == ':' ? "needs an argument" : "is not an option";
    char letter[3] = {'-', (char)optopt, '\0'};
    /* getopt_long has stepped over a long option, but stays inside of a group of short ones. */
    const char *given = optind > 0 ? argv[optind - 1] : "";
    if (optopt > 0 && optopt < 128 && strncmp(given, "--", 2) != 0)
        given = letter;
    return command_fail("%s %s; see %s --help", given, complaint, argv[0]);
}

bool command_color(FILE *out, const char *choice, bool *color)
{
    if (choice == NULL || strcmp(choice, "auto") == 0) {
        const char *terminal = command_environment("TERM");
        *color = isatty(fileno(out)) && command_environment("NO_COLOR") == NULL &&
                 (terminal == NULL || strcmp(terminal, "dumb") != 0);
        return true;
    }
    *color = strcmp(choice, "always") == 0;
    if (*color || strcmp(choice, "never") == 0)
        return true;
    command_fail("--color=%s: must be always, never or auto", choice);
    return false;
}

const char *command_environment(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody changes it now */
    return value && *value ? value : NULL;
}
