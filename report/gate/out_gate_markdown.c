#include "amount.h"
#include "out_gate.h"
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Findings whose stacks are shown: a comment has a limit of 65,536 characters. */
#define MARKDOWN_STACKS 20

/* Text in the flow of a line or a cell of a table: nothing in it may mean anything. */
static void markdown_put(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f)
            fputc(' ', out);
        else if (byte == '<')
            fputs("&lt;", out);
        else if (byte == '>')
            fputs("&gt;", out);
        else if (byte == '&')
            fputs("&amp;", out);
        else if (byte == '@') /* would call somebody by name */
            fputs("&#64;", out);
        else if (strchr("\\`*_{}[]()#|!~$", byte) != NULL)
            fprintf(out, "\\%c", byte);
        else
            fputc(byte, out);
    }
}

/* Lines of a block of code, indented, so that no fence of theirs can end it. */
static void code_put(FILE *out, const char *text)
{
    bool begins = true;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (begins)
            fputs("    ", out);
        begins = byte == '\n';
        fputc(byte < 0x20 && byte != '\n' ? '?' : byte, out);
    }
}

static void headline_put(FILE *out, const struct verdict *verdict)
{
    static const char *const words[] = {"passed", "failed", "could not judge"};
    fprintf(out, "### %s %s\n\n", verdict->title, words[verdict_exit(verdict)]);
    out_gate_counts(out, verdict);
}

static void place_put(FILE *out, const struct verdict *verdict, const struct finding *finding)
{
    const struct trace_frame *place = place_of(finding, verdict->source_root);
    if (place == NULL)
        return;
    markdown_put(out, place_file(place->file, verdict->source_root));
    if (place->line > 0)
        fprintf(out, ":%u", place->line);
}

static void table_put(FILE *out, const struct verdict *verdict)
{
    if (verdict->count == 0)
        return;
    fputs("\n| | finding | where | processes |\n| ---: | --- | --- | ---: |\n", out);
    for (size_t i = 0; i < verdict->count; i++) {
        const struct finding *finding = &verdict->findings[i];
        fprintf(out, "| %zu | %s%s: ", i + 1, finding->blames ? "" : "(no failure) ",
                finding_rule_name(finding->rule));
        markdown_put(out, finding->title);
        fputs(" | ", out);
        place_put(out, verdict, finding);
        fprintf(out, " | %zu |\n", finding->process_count);
    }
}

static int stacks_put(FILE *out, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count && i < MARKDOWN_STACKS; i++) {
        const struct finding *finding = &verdict->findings[i];
        if (finding->trace == NULL)
            continue;
        char *stack = place_stack_text(verdict, finding);
        if (stack == NULL)
            return -ENOMEM;
        fprintf(out, "\n<details><summary>%zu: ", i + 1);
        markdown_put(out, finding->title);
        fputs("</summary>\n\n", out);
        code_put(out, stack);
        fputs("\n</details>\n", out);
        free(stack);
    }
    return 0;
}

static void unjudged_put(FILE *out, const struct verdict *verdict)
{
    if (verdict_unjudged_count(verdict) == 0)
        return;
    fputs("\nNot judged:\n\n", out);
    for (size_t i = 0; i < verdict->unjudged_count; i++) {
        fputs("- ", out);
        markdown_put(out, verdict->unjudged[i]);
        fputc('\n', out);
    }
    for (size_t i = 0; i < verdict->process_count; i++) {
        const struct verdict_process *process = &verdict->processes[i];
        if (process->unjudged == NULL)
            continue;
        fputs("- ", out);
        markdown_put(out, process->path);
        fputs(": ", out);
        markdown_put(out, process->unjudged);
        fputc('\n', out);
    }
}

int out_gate_markdown(FILE *out, const struct verdict *verdict)
{
    headline_put(out, verdict);
    unjudged_put(out, verdict);
    table_put(out, verdict);
    return stacks_put(out, verdict);
}
