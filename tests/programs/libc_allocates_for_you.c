/* What libc allocates on the program's behalf: each function leaks exactly what it was given, and
   gives back the rest. Sizes are stated where libc's manual fixes them. */
#include "truth.h"
#include <dirent.h>

static void *volatile kept[32];
static size_t kept_count;

static void keep(void *block)
{
    truth_require(block != NULL);
    kept[kept_count++] = block;
}

static void by_strdup(void)
{
    keep(strdup("twenty-one characters"));
}

static void by_strndup(void)
{
    keep(strndup("twenty-one characters", 10));
}

static void by_asprintf(void)
{
    char *text = NULL;
    truth_require(asprintf(&text, "%s and %d", "text", 12345) == 14);
    keep(text);
}

static __attribute__((format(printf, 1, 2))) void by_vasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    truth_require(vasprintf(&text, format, arguments) == 7);
    va_end(arguments);
    keep(text);
}

static void by_getline(FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    truth_require(getline(&line, &size, file) > 0);
    keep(line);
}

static void by_getdelim(FILE *file)
{
    char *field = NULL;
    size_t size = 0;
    truth_require(getdelim(&field, &size, ':', file) > 0);
    keep(field);
}

static void by_open_memstream(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    truth_require(stream != NULL && fputs("in memory", stream) >= 0 && fclose(stream) == 0);
    truth_require(size == 9);
    keep(text);
}

static void by_opendir(void)
{
    keep(opendir("."));
}

static void by_realpath(void)
{
    keep(realpath(".", NULL));
}

static void by_getcwd(void)
{
    keep(getcwd(NULL, 0));
}

/* The list and one block for each of its entries. */
static size_t by_scandir(void)
{
    struct dirent **entries = NULL;
    int count = scandir("/", &entries, NULL, alphasort);
    truth_require(count > 0);
    keep(entries);
    return (size_t)count + 1;
}

int main(void)
{
    by_strdup();
    by_strndup();
    by_asprintf();
    by_vasprintf("%d,%s", 42, "four");
    FILE *file = fopen("/proc/self/mounts", "r");
    truth_require(file != NULL);
    by_getline(file);
    truth_require(fclose(file) == 0);
    file = fopen("/etc/passwd", "r");
    truth_require(file != NULL);
    by_getdelim(file);
    truth_require(fclose(file) == 0);
    by_open_memstream();
    by_opendir();
    by_realpath();
    by_getcwd();
    size_t listed = by_scandir();
    truth_write(1, "truth under by_strdup live_blocks=1 live_bytes=22\n");
    truth_write(1, "truth under by_strndup live_blocks=1 live_bytes=11\n");
    truth_write(1, "truth under by_asprintf live_blocks=1 live_bytes=15\n");
    truth_write(1, "truth under by_vasprintf live_blocks=1 live_bytes=8\n");
    static const char *const others[] = {"by_getline", "by_getdelim", "by_open_memstream",
                                         "by_opendir", "by_realpath", "by_getcwd"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        truth_write(1, "truth under %s live_blocks=1\n", others[i]);
    truth_write(1, "truth under by_scandir live_blocks=%zu\n", listed);
    truth_write(1, "truth under main live_blocks=%zu\n", kept_count - 1 + listed);
    return 0;
}
