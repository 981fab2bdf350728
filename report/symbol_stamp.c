#include "symbol_stamp.h"
#include "command.h"

#include <elfutils/libdwelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STAMP_DEBUG_ROOT "/usr/lib/debug"

static void put_file(FILE *out, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        fputs(" -", out);
    else
        fprintf(out, " %" PRIu64 "@%" PRId64 ".%09ld", (uint64_t)status.st_size,
                (int64_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* The separate debug file by build-id. */
static void put_by_id(FILE *out, const struct symbol_module *module)
{
    char path[sizeof STAMP_DEBUG_ROOT + 128];
    int at = snprintf(path, sizeof path, STAMP_DEBUG_ROOT "/.build-id/%02x/", module->build_id[0]);
    for (uint32_t i = 1; i < module->build_id_length && i < 32; i++)
        at += snprintf(path + at, sizeof path - (size_t)at, "%02x", module->build_id[i]);
    snprintf(path + at, sizeof path - (size_t)at, ".debug");
    put_file(out, path);
}

static void put_beside(FILE *out, const char *root, const char *folder, const char *below,
                       const char *name)
{
    char *path;
    if (asprintf(&path, "%s%s%s/%s", root, folder, below, name) < 0)
        return;
    put_file(out, path);
    free(path);
}

/* And by the name that the module gives, in all places where debuggers look. */
static void put_by_link(FILE *out, Elf *elf, const char *module)
{
    GElf_Word sum;
    const char *name = elf != NULL ? dwelf_elf_gnu_debuglink(elf, &sum) : NULL;
    char *copy = name != NULL ? realpath(module, NULL) : NULL;
    if (copy == NULL)
        return;
    *strrchr(copy, '/') = '\0';
    put_beside(out, "", copy, "", name);
    put_beside(out, "", copy, "/.debug", name);
    put_beside(out, STAMP_DEBUG_ROOT, copy, "", name);
    free(copy);
}

char *symbol_stamp_make(const struct symbol_file *file, const struct symbol_module *module)
{
    char *text = NULL;
    size_t size = 0;
    GElf_Addr bias;
    if (file->module == NULL || command_environment("DEBUGINFOD_URLS") != NULL)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fputs("memtrack " COMMAND_VERSION, out);
    put_file(out, "/proc/self/exe");
    put_file(out, module->path);
    put_by_id(out, module);
    put_by_link(out, dwfl_module_getelf(file->module, &bias), module->path);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
