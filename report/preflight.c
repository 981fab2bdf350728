#include "preflight.h"
#include "elf_check.h"
#include "path_search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As many interpreters of interpreters as the kernel follows. */
#define PREFLIGHT_SCRIPTS_MAX 5
/* As much of the first line as the kernel reads. */
#define PREFLIGHT_HEAD 256

/* What is being judged. */
struct preflight_file {
    struct preflight *preflight;
    const char *path;
    const char *shim;
    const char *script; /* whose interpreter this is; NULL: the program itself */
};

static void preflight_line(char line[PREFLIGHT_LINE_MAX], const struct preflight_file *file,
                           const char *format, va_list arguments)
{
    int at = file->script ? snprintf(line, PREFLIGHT_LINE_MAX, "%s: its interpreter %s ",
                                     file->script, file->path)
                          : snprintf(line, PREFLIGHT_LINE_MAX, "%s: ", file->path);
    if (at >= 0 && at < PREFLIGHT_LINE_MAX)
        vsnprintf(line + at, PREFLIGHT_LINE_MAX - (size_t)at, format, arguments);
}

__attribute__((format(printf, 2, 3))) static void
preflight_refuse(const struct preflight_file *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    preflight_line(file->preflight->refusal, file, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void preflight_warn(const struct preflight_file *file,
                                                                 const char *format, ...)
{
    va_list arguments;
    if (file->preflight->warning_count == PREFLIGHT_WARNING_MAX)
        return;
    va_start(arguments, format);
    preflight_line(file->preflight->warnings[file->preflight->warning_count++], file, format,
                   arguments);
    va_end(arguments);
}

/* Does the kernel give this file rights that its user does not have? The dynamic linker then
   ignores LD_PRELOAD. */
static bool preflight_gains_rights(const char *path, const char **how)
{
    struct stat status;
    struct statvfs system;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 || stat(path, &status) != 0)
        return false;
    if (statvfs(path, &system) == 0 && (system.f_flag & ST_NOSUID))
        return false;
    if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
        *how = "is setuid";
    else if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid())
        *how = "is setgid";
    else if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        *how = "has file capabilities";
    else
        return false;
    return true;
}

static bool preflight_same_machine(const struct elf_facts *a, const struct elf_facts *b)
{
    return a->class == b->class && a->encoding == b->encoding && a->machine == b->machine;
}

static bool preflight_musl(const struct elf_facts *facts)
{
    return strstr(facts->loader, "ld-musl") != NULL;
}

static bool preflight_other_library(const struct elf_facts *facts)
{
    struct elf_facts self;
    return elf_facts_read("/proc/self/exe", &self) == 0 &&
           preflight_musl(facts) != preflight_musl(&self);
}

/* Reasons why no dynamic linker will take the shim. */
static void preflight_loading(const struct preflight_file *file, const struct elf_facts *facts)
{
    struct elf_facts shim;
    if (elf_facts_read(file->shim, &shim) == 0 && !preflight_same_machine(facts, &shim))
        preflight_refuse(file, "is for another architecture than this memtrack; use a memtrack "
                               "that was built for it");
    else if (facts->is_static && !facts->is_loader)
        preflight_refuse(file,
                         "is statically linked%s, so nothing can be preloaded; link it "
                         "dynamically",
                         facts->go ? " (by Go)" : "");
    else if (facts->loader[0] && access(facts->loader, F_OK) != 0)
        preflight_refuse(file, "needs the dynamic linker %s, which is not here; install it",
                         facts->loader);
    else if (facts->loader[0] && preflight_other_library(facts))
        preflight_refuse(file,
                         "uses another C library (%s) than this memtrack; use a memtrack that "
                         "was built for it",
                         facts->loader);
}

/* Reasons why a shim that is loaded would not be called. */
static void preflight_allocator(const struct preflight_file *file, const struct elf_facts *facts)
{
    if (facts->sanitizer)
        preflight_refuse(file, "is built with %s, which replaces malloc itself; build it without",
                         facts->sanitizer);
    else if (facts->own_malloc)
        preflight_refuse(file, "brings its own malloc, which is called instead of ours; build it "
                               "with the C library's");
    else if (facts->allocator)
        preflight_warn(file, "contains %s: what it allocates by %s itself is not seen",
                       facts->allocator, facts->allocator_entry);
    if (facts->go && !file->preflight->refusal[0])
        preflight_warn(file, "is a Go program: Go's own heap does not come from malloc and is "
                             "not seen, C code is");
}

static void preflight_elf(const struct preflight_file *file, const struct elf_facts *facts)
{
    const char *how;
    preflight_loading(file, facts);
    if (file->preflight->refusal[0])
        return;
    if (preflight_gains_rights(file->path, &how)) {
        preflight_refuse(file,
                         "%s, so the dynamic linker ignores LD_PRELOAD; run a copy without "
                         "those rights, or as its owner",
                         how);
        return;
    }
    preflight_allocator(file, facts);
}

/* What `env` will run, from its one argument in a script's first line; NULL if it cannot be told.
   `-S` makes it many. Changes the line. */
static char *preflight_env_target(char *argument)
{
    char *rest = NULL;
    if (strncmp(argument, "--split-string", 14) == 0)
        argument += 14;
    else if (strncmp(argument, "-S", 2) == 0)
        argument += 2;
    else
        return *argument == '-' ? NULL : argument;
    char *word = strtok_r(*argument == '=' ? argument + 1 : argument, " \t", &rest);
    while (word && strchr(word, '='))
        word = strtok_r(NULL, " \t", &rest);
    return word && *word != '-' ? word : NULL;
}

/* The interpreter in the first line of a script; NULL if there is none. Changes the line. */
static char *preflight_interpreter(char *line, char found[PATH_MAX])
{
    char *interpreter = line + 2 + strspn(line + 2, " \t");
    char *end = interpreter + strcspn(interpreter, " \t\n");
    char *argument = end + strspn(end, " \t");
    argument[strcspn(argument, "\n")] = '\0';
    *end = '\0';
    size_t length = strlen(argument);
    while (length > 0 && strchr(" \t\r", argument[length - 1]))
        argument[--length] = '\0';
    if (*interpreter == '\0')
        return NULL;
    const char *name = strrchr(interpreter, '/');
    if (strcmp(name ? name + 1 : interpreter, "env") != 0 || *argument == '\0')
        return interpreter;
    char *target = preflight_env_target(argument);
    if (target == NULL || path_search(target, found) != 0)
        return interpreter;
    return found;
}

static ssize_t preflight_head(const char *path, char head[PREFLIGHT_HEAD])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t length = read(fd, head, PREFLIGHT_HEAD - 1);
    if (length < 0)
        length = -errno;
    close(fd);
    head[length > 0 ? length : 0] = '\0';
    return length;
}

static void preflight_file_check(const struct preflight_file *file, unsigned level)
{
    char head[PREFLIGHT_HEAD];
    char found[PATH_MAX];
    struct elf_facts facts;
    ssize_t length = preflight_head(file->path, head);
    int error = length < 0 ? (int)length : elf_facts_read(file->path, &facts);
    if (error != 0) {
        preflight_warn(file, "cannot be read (%s), so it was not checked", strerrordesc_np(-error));
        return;
    }
    if (facts.elf) {
        preflight_elf(file, &facts);
        return;
    }
    struct preflight_file next = {.preflight = file->preflight,
                                  .path = "/bin/sh", /* as execvp does */
                                  .shim = file->shim,
                                  .script = file->script ? file->script : file->path};
    if (strncmp(head, "#!", 2) == 0)
        next.path = preflight_interpreter(head, found);
    else if (memchr(head, '\0', (size_t)length))
        next.path = NULL;
    if (next.path == NULL || level == PREFLIGHT_SCRIPTS_MAX)
        preflight_refuse(file, "is neither an ELF program nor a script");
    else
        preflight_file_check(&next, level + 1);
}

void preflight_check(struct preflight *preflight, const char *path, const char *shim)
{
    preflight->refusal[0] = '\0';
    preflight->warning_count = 0;
    struct preflight_file file = {.preflight = preflight, .path = path, .shim = shim};
    preflight_file_check(&file, 0);
}
