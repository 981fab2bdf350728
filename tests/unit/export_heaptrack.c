/* heaptrack's format, of reports that contradict themselves: bounded, and what can be told is told. */
#include "export/export.h"
#include "fake_names.h"
#include "make_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *exported(struct make_report *report)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    char *text = NULL;
    size_t size, length;
    const uint8_t *bytes = make_report_bytes(report, 0, &size);
    assert_int_equal(snapshot_parse(bytes, size, &snapshot, message, sizeof message), 0);
    struct export export = {.snapshot = snapshot, .out = open_memstream(&text, &length)};
    export.stacks.snapshot = snapshot;
    export.stacks.frames = frames_open(snapshot, &fake_names);
    export.stacks.functions = functions_open(true);
    assert_int_equal(export_heaptrack(&export), 0);
    fclose(export.out);
    stacks_free(&export.stacks);
    functions_close(export.stacks.functions);
    frames_close(export.stacks.frames);
    snapshot_free(snapshot);
    make_report_free(report);
    return text;
}

static size_t lines_with(const char *text, char first)
{
    size_t count = 0;
    for (const char *line = text; line != NULL && *line != '\0';
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        count += *line == first;
    return count;
}

/* One block that is still there and is said to be temporary, too. */
static void a_block_that_is_live_and_temporary_is_one_allocation(void **state)
{
    (void)state;
    struct make_report *report = make_report_new();
    uint32_t module = make_report_module(report, "/bin/demo", 0);
    uint32_t site = make_report_site(report, make_report_node(report, 0, module, 0x100, 0));
    make_report_count(report, site, 1, 0, 10);
    ((struct mtf_site *)make_report_record(report, MTF_KIND_SITES, site))->temporary = 5;
    make_report_seal(report);
    char *text = exported(report);
    assert_int_equal(lines_with(text, '+'), 1);
    assert_int_equal(lines_with(text, '-'), 0);
    free(text);
}

static void every_allocation_of_the_sample_has_a_line(void **state)
{
    (void)state;
    char *text = exported(make_report_sample());
    assert_int_equal(lines_with(text, '+'), 67);
    assert_int_equal(lines_with(text, '-'), 64);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_is_live_and_temporary_is_one_allocation),
        cmocka_unit_test(every_allocation_of_the_sample_has_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
