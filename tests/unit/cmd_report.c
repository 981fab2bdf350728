#include "command.h"
#include "make_report.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder with reports, and what a command printed last. */
struct fixture {
    char folder[64];
    char out[1 << 16];
    char err[1 << 12];
};

static void write_file(const struct fixture *fixture, const char *name, const void *bytes,
                       size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_sample(const struct fixture *fixture, const char *name)
{
    size_t size;
    struct make_report *report = make_report_sample();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    write_file(fixture, name, bytes, size);
    make_report_free(report);
}

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/memtrack-report.XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->folder) == NULL ? -1 : 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    /* NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c,concurrency-mt-unsafe): a test */
    int result = system(command);
    free(fixture);
    return result;
}

static void redirect(const struct fixture *fixture, const char *name, int descriptor)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (file < 0 || dup2(file, descriptor) < 0)
        _exit(99);
}

static void read_back(const struct fixture *fixture, const char *name, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    unlink(path);
}

/* Runs `memtrack report` with these arguments in the folder; the exit code. */
static int report(struct fixture *fixture, int count, const char *const *arguments)
{
    char *argv[16] = {strdup("memtrack report")};
    int status;
    for (int i = 0; i < count; i++)
        argv[i + 1] = strdup(arguments[i]);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        redirect(fixture, "out", STDOUT_FILENO);
        redirect(fixture, "err", STDERR_FILENO);
        if (chdir(fixture->folder) != 0)
            _exit(99);
        int result = cmd_report(count + 1, argv);
        fflush(NULL);
        _exit(result);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    read_back(fixture, "out", fixture->out, sizeof fixture->out);
    read_back(fixture, "err", fixture->err, sizeof fixture->err);
    for (int i = 0; i <= count; i++)
        free(argv[i]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define REPORT(fixture, ...)                                                                       \
    report((fixture), (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)),                 \
           (const char *[]){__VA_ARGS__})

/* One line, and all of these words in it. */
static void expect_complaint(const struct fixture *fixture, const char *first, const char *second)
{
    const char *newline = strchr(fixture->err, '\n');
    if (newline == NULL || newline[1] != '\0' || strstr(fixture->err, first) == NULL ||
        strstr(fixture->err, second) == NULL)
        fail_msg("'%s' instead of one line with '%s' and '%s'", fixture->err, first, second);
}

static void a_report_is_printed_and_leaks_are_no_failure(void **state)
{
    struct fixture *fixture = *state;
    write_sample(fixture, "a.memtrack");
    assert_int_equal(REPORT(fixture, "a.memtrack"), 0);
    assert_string_equal(fixture->err, "");
    assert_memory_equal(fixture->out, "demo: 4.4 KiB (4,500 bytes) in 3 blocks still", 45);
}

static void a_folder_stands_for_its_reports_and_a_sum_ends_them(void **state)
{
    struct fixture *fixture = *state;
    write_sample(fixture, "b.memtrack");
    write_sample(fixture, "a.memtrack");
    write_file(fixture, "notes.txt", "x", 1);
    assert_int_equal(REPORT(fixture, "."), 0);
    const char *first = strstr(fixture->out, "== ./a.memtrack ==");
    const char *second = strstr(fixture->out, "== ./b.memtrack ==");
    assert_true(first != NULL && second > first);
    assert_null(strstr(fixture->out, "notes"));
    assert_non_null(strstr(fixture->out, "\nAll 2 reports: 8.8 KiB (9,000 bytes) in 6 blocks "
                                         "still allocated, in 2 of them; "));
}

static void a_bad_file_among_good_ones_spoils_the_exit_code_alone(void **state)
{
    struct fixture *fixture = *state;
    write_sample(fixture, "a.memtrack");
    write_sample(fixture, "c.memtrack");
    write_file(fixture, "b.memtrack", "rubbish", 7);
    assert_int_equal(REPORT(fixture, "."), 2);
    expect_complaint(fixture, "./b.memtrack: ", "is not a memtrack report");
    assert_non_null(strstr(fixture->out, "All 2 reports"));
    assert_int_equal(REPORT(fixture, "--json", "missing", "a.memtrack"), 2);
    expect_complaint(fixture, "missing: ", "No such file");
    assert_non_null(strstr(fixture->out, "\"a.memtrack\""));
    assert_memory_equal(fixture->out + strlen(fixture->out) - 3, "]}\n", 3);
}

static void a_folder_without_reports_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(REPORT(fixture, "."), 2);
    expect_complaint(fixture, ".: holds no report", ".memtrack");
    assert_string_equal(fixture->out, "");
}

static void wrong_arguments_give_one_line(void **state)
{
    struct fixture *fixture = *state;
    write_sample(fixture, "a.memtrack");
    assert_int_equal(report(fixture, 0, NULL), 2);
    expect_complaint(fixture, "give a report file", "--help");
    assert_int_equal(REPORT(fixture, "--top=x", "a.memtrack"), 2);
    expect_complaint(fixture, "--top=x", "must be a number");
    assert_int_equal(REPORT(fixture, "--top=-1", "a.memtrack"), 2);
    expect_complaint(fixture, "--top=-1", "must be a number");
    assert_int_equal(REPORT(fixture, "--sort=size", "a.memtrack"), 2);
    expect_complaint(fixture, "--sort=size", "must be live, peak");
    assert_int_equal(REPORT(fixture, "--by", "file", "a.memtrack"), 2);
    expect_complaint(fixture, "--by=file", "must be site, function or module");
    assert_int_equal(REPORT(fixture, "--color=red", "a.memtrack"), 2);
    expect_complaint(fixture, "--color=red", "auto");
    assert_int_equal(REPORT(fixture, "--bogus", "a.memtrack"), 2);
    expect_complaint(fixture, "--bogus", "--help");
    assert_string_equal(fixture->out, "");
}

static void help_goes_to_standard_output(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(REPORT(fixture, "--help"), 0);
    assert_string_equal(fixture->err, "");
    assert_non_null(strstr(fixture->out, "--sort KEY"));
}

static void options_reach_the_output(void **state)
{
    struct fixture *fixture = *state;
    write_sample(fixture, "a.memtrack");
    assert_int_equal(REPORT(fixture, "--sort", "calls", "--top", "1", "--by=module", "a.memtrack"),
                     0);
    assert_null(strstr(fixture->out, "Still allocated"));
    assert_non_null(strstr(fixture->out, "Most calls: the first 1 of 3 modules"));
    assert_null(strchr(fixture->out, '\033'));
    assert_int_equal(REPORT(fixture, "--color=always", "a.memtrack"), 0);
    assert_non_null(strchr(fixture->out, '\033'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_is_printed_and_leaks_are_no_failure, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_stands_for_its_reports_and_a_sum_ends_them, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_bad_file_among_good_ones_spoils_the_exit_code_alone,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_folder_without_reports_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(wrong_arguments_give_one_line, begin, end),
        cmocka_unit_test_setup_teardown(help_goes_to_standard_output, begin, end),
        cmocka_unit_test_setup_teardown(options_reach_the_output, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
