#include "amount.h"
#include "frame_text.h"
#include "leaks/leak_record.h"
#include "out_gate.h"
#include "terminal.h"

/* Processes named with a finding. */
#define TEXT_PROCESSES 5
/* Frames of a stack, unless it is to be whole. */
#define TEXT_FRAMES 24

struct text_gate {
    FILE *out;
    const struct verdict *verdict;
    const struct out_gate_options *options;
};

static const char *style(const struct text_gate *text, enum terminal_style wanted)
{
    return terminal_style(text->options->color, wanted);
}

static void put_frames(const struct text_gate *text, const struct trace *trace)
{
    const struct frame_text_options options = {
        .color = text->options->color,
        .full = text->options->full,
        .folder = text->verdict->source_root,
    };
    size_t left_out = 0, shown = 0;
    for (size_t i = 0; i < trace->count; i++) {
        const struct trace_frame *frame = &trace->frames[i];
        const struct frame_text line = {
            .function = frame->function,
            .module = frame->module,
            .offset = frame->offset,
            .file = frame->file,
            .line = frame->line,
            .inlined = frame->inlined,
        };
        if (frame->folded && !text->options->full)
            continue;
        if (shown == TEXT_FRAMES && !text->options->full) {
            left_out++;
            continue;
        }
        frame_text_put(text->out, &line, &options);
        shown++;
    }
    if (left_out > 0)
        fprintf(text->out, "        ... %s left out (--full shows them)\n",
                amount_noun(left_out, "frame").text);
}

static void put_process(const struct text_gate *text, const struct verdict_process *process)
{
    fputs("        in ", text->out);
    terminal_put_string(text->out, *process->program != '\0' ? process->program : process->path);
    if (process->pid != 0)
        fprintf(text->out, " (process %d)", process->pid);
    if (*process->command != '\0') {
        fputs(": ", text->out);
        terminal_put_string(text->out, process->command);
    }
    fputc('\n', text->out);
}

static void put_processes(const struct text_gate *text, const struct finding *finding)
{
    for (size_t i = 0; i < finding->process_count && i < TEXT_PROCESSES; i++)
        put_process(text, &text->verdict->processes[finding->processes[i]]);
    if (finding->process_count > TEXT_PROCESSES)
        fprintf(text->out, "        and in %s more\n",
                amount_count(finding->process_count - TEXT_PROCESSES).text);
}

static void put_finding(const struct text_gate *text, const struct finding *finding, size_t number)
{
    fprintf(text->out, "[%zu] %s", number,
            style(text, finding->blames ? TERMINAL_BAD : TERMINAL_HEADING));
    fprintf(text->out, "%s%s%s: ", finding->measure != NULL ? finding->measure : "",
            finding->measure != NULL ? " " : "", finding_rule_name(finding->rule));
    terminal_put_string(text->out, finding->title);
    fprintf(text->out, "%s%s\n", style(text, TERMINAL_PLAIN),
            finding->blames || finding->rule >= FINDING_NEW ? "" : " (within the limits)");
    if (finding->trace != NULL)
        put_frames(text, finding->trace);
    if (finding->trace != NULL && finding->trace->count == 0)
        fputs("        unknown call site\n", text->out);
    put_processes(text, finding);
    if (text->options->gen_suppressions && finding->rule == FINDING_LEAK && finding->trace != NULL)
        suppress_write(text->out, finding->trace, finding->kind);
    fputc('\n', text->out);
}

static void put_unjudged(const struct text_gate *text)
{
    const struct verdict *verdict = text->verdict;
    for (size_t i = 0; i < verdict->unjudged_count; i++) {
        fprintf(text->out, "%snot judged%s: ", style(text, TERMINAL_WARNING),
                style(text, TERMINAL_PLAIN));
        terminal_put_string(text->out, verdict->unjudged[i]);
        fputc('\n', text->out);
    }
    for (size_t i = 0; i < verdict->process_count; i++) {
        const struct verdict_process *process = &verdict->processes[i];
        if (process->unjudged == NULL)
            continue;
        fprintf(text->out, "%snot judged%s: ", style(text, TERMINAL_WARNING),
                style(text, TERMINAL_PLAIN));
        terminal_put_string(text->out, process->path);
        if (*process->program != '\0') {
            fputs(": ", text->out);
            terminal_put_string(text->out, process->program);
            fprintf(text->out, " (process %d)", process->pid);
        }
        fputs(*process->program != '\0' ? " " : ": ", text->out);
        terminal_put_string(text->out, process->unjudged);
        fputc('\n', text->out);
    }
}

/* How often each suppression was used, those that were not last. */
static void put_suppressions(const struct text_gate *text)
{
    const struct suppress *suppress = text->verdict->suppress;
    for (int used = 1; used >= 0; used--) {
        for (size_t i = 0; i < suppress->count; i++) {
            const struct suppress_entry *entry = &suppress->entries[i];
            if ((entry->used > 0) != (used == 1))
                continue;
            fprintf(text->out, "suppression '");
            terminal_put_string(text->out, entry->name);
            fputs("' (", text->out);
            terminal_put_string(text->out, entry->file);
            fprintf(text->out, ":%u): ", entry->line);
            if (used == 0)
                fputs("not used\n", text->out);
            else
                fprintf(text->out, "used for %s, %s in %s\n", amount_noun(entry->used, "leak").text,
                        amount_bytes(entry->used_bytes).text,
                        amount_noun(entry->used_blocks, "block").text);
        }
    }
}

int out_gate_text(FILE *out, const struct verdict *verdict, const struct out_gate_options *options)
{
    const struct text_gate text = {.out = out, .verdict = verdict, .options = options};
    for (size_t i = 0; i < verdict->count; i++)
        put_finding(&text, &verdict->findings[i], i + 1);
    put_unjudged(&text);
    for (size_t i = 0; i < verdict->note_count; i++) {
        fputs("note: ", out);
        terminal_put_string(out, verdict->notes[i]);
        fputc('\n', out);
    }
    if (verdict->suppress != NULL)
        put_suppressions(&text);
    fprintf(out, "%s: ", verdict->title);
    out_gate_counts(out, verdict);
    return 0;
}
