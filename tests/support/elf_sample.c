#include "elf_sample.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[64];

const char *elf_sample_folder(void)
{
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/memtrack-sample-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    return folder;
}

static int run_shell(const char *command)
{
    return system(command); /* NOLINT(concurrency-mt-unsafe): one thread */
}

void elf_sample_clean(void)
{
    char command[256];
    if (folder[0] == '\0')
        return;
    snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", folder, folder);
    if (run_shell(command) == 0)
        folder[0] = '\0';
}

const char *elf_sample_path(const char *name)
{
    static char paths[ELF_SAMPLE_PATHS][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % ELF_SAMPLE_PATHS];
    snprintf(path, PATH_MAX, "%s/%s", elf_sample_folder(), name);
    return path;
}

const char *elf_sample_write(const char *name, const char *text)
{
    const char *path = elf_sample_path(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

void elf_sample_run(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    int at = snprintf(command, sizeof(command), "cd %s && ", elf_sample_folder());
    va_start(arguments, format);
    vsnprintf(command + at, sizeof(command) - (size_t)at, format, arguments);
    va_end(arguments);
    if (run_shell(command) != 0)
        fail_msg("failed: %s", command);
}

bool elf_sample_has(const char *command)
{
    char line[256];
    snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", command);
    return run_shell(line) == 0;
}

uint64_t elf_sample_symbol(const char *name, const char *symbol, uint64_t *size)
{
    char command[PATH_MAX + 64];
    char line[4096];
    char found[4096];
    uint64_t address = 0;
    bool seen = false;
    snprintf(command, sizeof(command), "nm -S '%s'", elf_sample_path(name));
    FILE *output = popen(command, "r");
    assert_non_null(output);
    while (!seen && fgets(line, sizeof(line), output)) {
        uint64_t start = 0;
        uint64_t length = 0;
        if (sscanf(line, "%lx %lx %*c %4095s", &start, &length, found) != 3 &&
            sscanf(line, "%lx %*c %4095s", &start, found) != 2)
            continue;
        seen = strcmp(found, symbol) == 0;
        address = start;
        *size = length;
    }
    while (fgets(line, sizeof(line), output))
        continue; /* nm must not die of a closed pipe */
    pclose(output);
    if (!seen)
        fail_msg("%s has no symbol %s", name, symbol);
    return address;
}
