#include "gate/out_gate.h"
#include "fake_names.h"
#include "gate/judge.h"
#include "golden.h"
#include "leaks/leak_record.h"
#include "make_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A gate's whole work on two reports: one with every kind of leak, and a file that is none. */
struct work {
    struct gate gate;
    struct judge judge;
    char paths[2][64];
};

static void write_file(char *path, const void *bytes, size_t size)
{
    strcpy(path, "/tmp/memtrack-gate.XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    close(file);
}

static void must_set(struct gate *gate, const char *name, const char *value)
{
    char message[512] = "";
    if (gate_set(gate, name, value, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
}

/* Names that stay the same from run to run. */
static void name_reports(struct verdict *verdict)
{
    static const char *const names[] = {"reports/demo, 1.memtrack", "reports/<bad>.memtrack"};
    for (size_t i = 0; i < verdict->process_count; i++) {
        free(verdict->processes[i].path);
        verdict->processes[i].path = strdup(names[i]);
    }
}

static void work_begin(struct work *work)
{
    static const char supp[] = "leak:nobody\nleak:leak_here\n";
    char message[512];
    size_t size;
    struct make_report *report = make_report_leaky();
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    *work = (struct work){0};
    write_file(work->paths[0], bytes, size);
    write_file(work->paths[1], "nonsense", 8);
    make_report_free(report);
    assert_int_equal(gate_begin(&work->gate, message, sizeof message), 0);
    free(work->gate.source_root);
    work->gate.source_root = strdup("/home/me");
    must_set(&work->gate, "kinds", "definite,possible,reachable");
    must_set(&work->gate, "max-allocs", "10");
    assert_int_equal(suppress_parse(&work->gate.suppress, "my.supp", supp, strlen(supp), message,
                                    sizeof message),
                     0);
}

static void work_judge(struct work *work)
{
    char message[512];
    struct inputs inputs = {0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(inputs_add(&inputs, work->paths[i], message, sizeof message), 0);
    work->judge = (struct judge){.gate = &work->gate, .source = &fake_names};
    assert_int_equal(judge_run(&work->judge, &inputs), 0);
    work->judge.verdict.title = "memtrack check";
    inputs_free(&inputs);
    name_reports(&work->judge.verdict);
}

static void work_end(struct work *work)
{
    judge_free(&work->judge);
    gate_free(&work->gate);
    for (int i = 0; i < 2; i++)
        unlink(work->paths[i]);
}

static char *printed(const struct work *work, enum gate_format format)
{
    const struct out_gate_options options = {.gen_suppressions = true};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(out_gate(out, format, &work->judge.verdict, &options), 0);
    fclose(out);
    return text;
}

static void every_format_is_as_it_was(void **state)
{
    static const char *const names[GATE_FORMAT_LIMIT] = {
        [GATE_TEXT] = "gate.txt",      [GATE_JSON] = "gate.json",
        [GATE_JUNIT] = "gate.xml",     [GATE_SARIF] = "gate.sarif",
        [GATE_GITHUB] = "gate.github", [GATE_GITLAB] = "gate.gitlab.json",
        [GATE_MARKDOWN] = "gate.md",
    };
    struct work work;
    bool same = true;
    (void)state;
    work_begin(&work);
    work_judge(&work);
    for (int format = 0; format < GATE_FORMAT_LIMIT; format++) {
        char *text = printed(&work, (enum gate_format)format);
        same &= golden_matches(names[format], text);
        free(text);
    }
    work_end(&work);
    assert_true(same);
}

static void what_could_not_be_judged_decides_over_findings(void **state)
{
    struct work work;
    (void)state;
    work_begin(&work);
    work_judge(&work);
    assert_int_equal(verdict_exit(&work.judge.verdict), 2);
    assert_true(verdict_blames(&work.judge.verdict) > 0);
    assert_int_equal(work.judge.verdict.suppressed_count, 1);
    work_end(&work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_as_it_was),
        cmocka_unit_test(what_could_not_be_judged_decides_over_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
