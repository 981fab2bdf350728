#include "leaks/leak_record.h"
#include "out_gate.h"
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Length of the UTF-8 character of which XML 1.0 allows to speak, 0 if there is none at `at`. */
static size_t xml_character(const unsigned char *at)
{
    static const struct {
        unsigned char mask, lead;
        size_t length;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 0},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((at[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t code = at[0] & (unsigned char)~forms[i].mask;
        for (size_t j = 1; j < forms[i].length; j++) {
            if ((at[j] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (at[j] & 0x3f);
        }
        bool allowed = (code >= 0x20 || code == '\t' || code == '\n' || code == '\r') &&
                       (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff &&
                       code <= 0x10ffff && code >= forms[i].least;
        return allowed ? forms[i].length : 0;
    }
    return 0;
}

/* Text for content and for attributes in double quotes; what XML cannot hold becomes U+FFFD. */
static void xml_put(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        size_t length = xml_character(at);
        const char *entity = *at == '&'    ? "&amp;"
                             : *at == '<'  ? "&lt;"
                             : *at == '>'  ? "&gt;"
                             : *at == '"'  ? "&quot;"
                             : *at == '\r' ? "&#13;"
                                           : NULL;
        if (length == 0)
            fputs("\xef\xbf\xbd", out);
        else if (entity != NULL)
            fputs(entity, out);
        else
            fwrite(at, 1, length, out);
        at += length == 0 ? 1 : length;
    }
}

static void attribute_put(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    xml_put(out, value);
    fputc('"', out);
}

static bool is_about(const struct finding *finding, uint32_t process)
{
    for (size_t i = 0; i < finding->process_count; i++) {
        if (finding->processes[i] == process)
            return true;
    }
    return false;
}

static void case_open(FILE *out, const char *class, const char *name)
{
    fputs("    <testcase", out);
    attribute_put(out, "classname", class);
    attribute_put(out, "name", name);
    fputs(" time=\"0\">\n", out);
}

static void message_put(FILE *out, const char *element, const char *type, const char *message,
                        size_t more)
{
    char *text = NULL;
    fprintf(out, "      <%s", element);
    attribute_put(out, "type", type);
    if (more > 0 && asprintf(&text, "%s, and %zu more", message, more) >= 0)
        message = text;
    attribute_put(out, "message", message);
    fputc('>', out);
    if (more > 0)
        free(text);
}

static int finding_put(FILE *out, const struct verdict *verdict, const struct finding *finding)
{
    char *stack = place_stack_text(verdict, finding);
    if (stack == NULL)
        return -ENOMEM;
    xml_put(out, finding_rule_name(finding->rule));
    fputs(": ", out);
    xml_put(out, finding->title);
    fputc('\n', out);
    xml_put(out, stack);
    fputc('\n', out);
    free(stack);
    return 0;
}

/* Readers take a test for one failure, and one element for its reason: all findings are in it. */
static int process_findings_put(FILE *out, const struct verdict *verdict, uint32_t index)
{
    int error = 0;
    for (size_t i = 0; i < verdict->count && error == 0; i++) {
        const struct finding *finding = &verdict->findings[i];
        if (finding->blames && is_about(finding, index))
            error = finding_put(out, verdict, finding);
    }
    return error;
}

/* The first finding that blames the process; NULL: none. `count` is how many there are. */
static const struct finding *process_blame(const struct verdict *verdict, uint32_t index,
                                           size_t *count)
{
    const struct finding *first = NULL;
    *count = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        const struct finding *finding = &verdict->findings[i];
        if (!finding->blames || !is_about(finding, index))
            continue;
        if (first == NULL)
            first = finding;
        ++*count;
    }
    return first;
}

/* One process: a finding is told with each of its processes, as each is a test of its own. */
static int process_put(FILE *out, const struct verdict *verdict, uint32_t index)
{
    const struct verdict_process *process = &verdict->processes[index];
    size_t count;
    int error = 0;
    const struct finding *first = process_blame(verdict, index, &count);
    const char *element = process->unjudged != NULL ? "error" : "failure";
    case_open(out, *process->program != '\0' ? process->program : "memtrack", process->path);
    if (process->unjudged != NULL)
        message_put(out, element, "not judged", process->unjudged, count);
    else if (first != NULL)
        message_put(out, element, finding_rule_name(first->rule), first->title, count - 1);
    if (process->unjudged != NULL || first != NULL) {
        error = process_findings_put(out, verdict, index);
        fprintf(out, "</%s>\n", element);
    }
    fputs("    </testcase>\n", out);
    return error;
}

/* Findings about no process of their own: those of a comparison. */
static int others_put(FILE *out, const struct verdict *verdict)
{
    int error = 0;
    for (size_t i = 0; i < verdict->count && error == 0; i++) {
        const struct finding *finding = &verdict->findings[i];
        if (!finding->blames || finding->process_count > 0)
            continue;
        case_open(out, "memtrack", finding->title);
        message_put(out, "failure", finding_rule_name(finding->rule), finding->title, 0);
        error = finding_put(out, verdict, finding);
        fputs("</failure>\n    </testcase>\n", out);
    }
    for (size_t i = 0; i < verdict->unjudged_count; i++) {
        case_open(out, "memtrack", "judged at all");
        message_put(out, "error", "not judged", verdict->unjudged[i], 0);
        fputs("</error>\n    </testcase>\n", out);
    }
    return error;
}

struct junit_counts {
    size_t tests;
    size_t failures;
    size_t errors;
};

/* Each test counts once. */
static struct junit_counts counts_of(const struct verdict *verdict)
{
    struct junit_counts counts = {
        .tests = verdict->process_count + verdict->unjudged_count,
        .errors = verdict_unjudged_count(verdict),
    };
    for (uint32_t i = 0; i < verdict->process_count; i++) {
        size_t count;
        bool blamed = process_blame(verdict, i, &count) != NULL;
        counts.failures += blamed && verdict->processes[i].unjudged == NULL;
    }
    for (size_t i = 0; i < verdict->count; i++) {
        const struct finding *finding = &verdict->findings[i];
        bool own_test = finding->blames && finding->process_count == 0;
        counts.tests += own_test;
        counts.failures += own_test;
    }
    return counts;
}

int out_gate_junit(FILE *out, const struct verdict *verdict)
{
    struct junit_counts counts = counts_of(verdict);
    int error = 0;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"memtrack\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
            "time=\"0\">\n"
            "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
            "skipped=\"0\" time=\"0\">\n",
            counts.tests, counts.failures, counts.errors, verdict->title, counts.tests,
            counts.failures, counts.errors);
    for (uint32_t i = 0; i < verdict->process_count && error == 0; i++)
        error = process_put(out, verdict, i);
    if (error == 0)
        error = others_put(out, verdict);
    fputs("  </testsuite>\n</testsuites>\n", out);
    return error;
}
